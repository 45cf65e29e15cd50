\set first random(1, :k)
SELECT count(rcs_send('01012345678', '주문 ' || i || '이 접수되었습니다.', chatbot => '02' || (10000000 + (:first + i) % :k))) FROM generate_series(1, 10) i;
