-- The contract's fleet: halls with and without hours and shares, ATMs that serve, one disabled and one that
-- stands nowhere; a bank with hours of its own; everything that changes by date.
INSERT INTO area VALUES ('kanto', '関東'), ('kansai', '関西');
INSERT INTO hall VALUES
        ('H00001', 'one', 'kanto', '東京都', 0, 1440, 0),
        ('H00002', 'two', 'kansai', '大阪府', 600, 1200, 1234),
        ('H-3', 'three', 'kanto', 'Chiba', 0, 1440, 10000);
INSERT INTO atm VALUES
        ('T0000001', 'H00001', true), ('T0000002', 'H00002', true), ('T0000003', 'H-3', true),
        ('T0000004', 'H00001', false), ('T0000005', NULL, true);
INSERT INTO issuer VALUES ('HOUSE', 'House bank', 0, 1440), ('OTHER', 'Other bank', 540, 1080);
INSERT INTO card_prefix VALUES
        ('990001', '2007-07-01', 'HOUSE', 'cash'), ('990002', '2007-07-01', 'OTHER', 'cash'),
        ('990003', '2007-07-01', 'HOUSE', 'credit');
INSERT INTO tariff VALUES
        ('HOUSE', 'day', '2007-07-01', 100, 100), ('HOUSE', 'other', '2007-07-01', 200, 100),
        ('OTHER', 'day', '2007-07-01', 0, 155), ('OTHER', 'other', '2007-07-01', 0, 155),
        ('OTHER', 'day', '2016-01-01', 75, 99), ('OTHER', 'other', '2016-01-01', 157, 99);
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
