SELECT count(rcs_send('01012345678', '주문 ' || i || '이 접수되었습니다.')) FROM generate_series(1, 10) i;
