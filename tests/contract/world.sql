-- The contract's fleet: halls with and without hours and shares, ATMs that serve, one disabled and one that
-- stands nowhere; a bank with hours of its own; two banks over links, and cards whose bank changes by date;
-- everything else that changes by date. Other bank wants PINs.
INSERT INTO area VALUES ('kanto', '関東'), ('kansai', '関西');
INSERT INTO hall VALUES
        ('H00001', 'one', 'kanto', '東京都', 0, 1440, 0),
        ('H00002', 'two', 'kansai', '大阪府', 600, 1200, 1234),
        ('H-3', 'three', 'kanto', '千葉県', 0, 1440, 10000);
INSERT INTO atm VALUES
        ('T0000001', 'H00001', true), ('T0000002', 'H00002', true), ('T0000003', 'H-3', true),
        ('T0000004', 'H00001', false), ('T0000005', NULL, true);
INSERT INTO issuer VALUES
        ('HOUSE', 'House bank', NULL, 0, 1440, 0, 1440), ('OTHER', 'Other bank', NULL, 540, 1080, 540, 1080),
        ('A', 'Bank A', 'BANKA', 0, 1440, 0, 1440), ('B', 'Bank B', 'BANKB', 0, 1440, 600, 1200);
UPDATE issuer SET pin_method = 'pvv' WHERE issuer = 'OTHER';
INSERT INTO card_prefix VALUES
        ('990001', '2007-07-01', 'HOUSE', 'cash'), ('990002', '2007-07-01', 'OTHER', 'cash'),
        ('990003', '2007-07-01', 'HOUSE', 'credit'), ('990004', '2007-07-01', 'A', 'cash'),
        ('990005', '2007-07-01', 'B', 'cash'),
        ('990006', '2007-07-01', 'HOUSE', 'cash'), ('990006', '2015-09-03', 'A', 'cash'),
        ('990006', '2016-07-01', 'HOUSE', 'cash'), ('990006', '2017-01-03', 'B', 'cash'),
        ('990006', '2018-07-01', 'HOUSE', 'cash'), ('990006', '2019-10-03', 'A', 'cash'),
        ('990006', '2020-04-04', 'HOUSE', 'cash');
INSERT INTO tariff VALUES
        ('HOUSE', 'day', '2007-07-01', 100, 100), ('HOUSE', 'other', '2007-07-01', 200, 100),
        ('OTHER', 'day', '2007-07-01', 0, 155), ('OTHER', 'other', '2007-07-01', 0, 155),
        ('OTHER', 'day', '2016-01-01', 75, 99), ('OTHER', 'other', '2016-01-01', 157, 99),
        ('A', 'day', '2007-07-01', 100, 120), ('A', 'other', '2007-07-01', 200, 120),
        ('B', 'day', '2007-07-01', 0, 155), ('B', 'other', '2007-07-01', 150, 155);
INSERT INTO tax_rate VALUES
        ('1997-04-01', 500, 'down'), ('2014-04-01', 800, 'down'), ('2019-10-01', 1000, 'down');
INSERT INTO holiday VALUES
        ('2015-09-21', 'package', 'x'), ('2015-09-22', 'package', 'x'), ('2017-01-01', 'package', 'x'),
        ('2017-01-02', 'package', 'x');
INSERT INTO limit_rule VALUES
        ('day_yen', '2007-07-01', 30000), ('month_yen', '2009-04-01', 150000),
        ('month_yen', '2015-09-01', 80000), ('day_count', '2020-04-01', 2);
INSERT INTO network_hours VALUES
        ('2007-07-01', 'weekday', 480, 1260), ('2007-07-01', 'off', 540, 1020),
        ('2016-01-01', 'off', 480, 1260);

-- A session that says so has another clock than the server's (world_set_clock).
CREATE OR REPLACE FUNCTION real_now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
        SELECT coalesce(nullif(current_setting('contract.now_ms', true), '')::bigint,
                        floor(date_part('epoch', clock_timestamp()) * 1000)::bigint)
$$;
