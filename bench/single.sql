INSERT INTO public.single SELECT rcs_send('01012345678', '인증번호 #{code}', params => '{"code": "1234"}'), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
