-- Japan's 47 prefectures, by the numbers of JIS X 0401: reports add up by them, so that a slip of the pen was a prefecture of its own.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE prefecture (
        prefecture text COLLATE "C" PRIMARY KEY,
        number smallint NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 47)
);
INSERT INTO prefecture (prefecture, number)
SELECT p.name, p.number FROM unnest(string_to_array(
        '北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 '
        '岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 '
        '佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県', ' ')) WITH ORDINALITY p (name, number);

-- (NOT VALID: what is there already stands in no migration's way, until it is changed.)
ALTER TABLE hall ADD CONSTRAINT hall_prefecture FOREIGN KEY (prefecture) REFERENCES prefecture NOT VALID;

INSERT INTO schema_migration VALUES (49, 'prefectures');
COMMIT;
