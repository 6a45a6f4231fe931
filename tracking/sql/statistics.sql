-- Clicks of a busy owner's day, condensed to one dimension each, so that a report over many days reads
-- hundreds of rows and not millions. The owner is an affiliate, a program, or (nil) the whole network.
--   dimension ''  clicks by the hour, value ''
--   program, affiliate, link, sub1, country, device  clicks of the day; `hour` is the day's midnight, UTC
-- Only whole past days of UTC are here, and only those worth it (tracking/statistics/condensing.py). What is not
-- here, or is marked wrong, is read from tracking_click_hour: the figures are the same either way.

CREATE TABLE tracking_click_condensed (
    owner_id uuid NOT NULL,
    dimension varchar(10) NOT NULL,
    hour timestamptz NOT NULL,
    value varchar(255) NOT NULL,
    clicks integer NOT NULL,
    counted integer NOT NULL,
    uniques integer NOT NULL,
    views integer NOT NULL,
    PRIMARY KEY (owner_id, dimension, hour, value)
);

CREATE TABLE tracking_click_condensed_day (
    owner_id uuid NOT NULL,
    day date NOT NULL,
    is_right boolean NOT NULL,
    condensed_at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, day)
);

CREATE INDEX tracking_click_condensed_wrong ON tracking_click_condensed_day (day) WHERE NOT is_right;

-- A late click makes its day's condensed rows wrong, in the transaction that counts it. The lock lets any number
-- of drains pass, and none while a day is being condensed: either that one sees the click, or the click sees it.
CREATE FUNCTION tracking_click_hour_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7240161109);
    IF EXISTS (SELECT FROM changed WHERE hour < date_trunc('day', now(), 'UTC')) THEN
        WITH touched AS (
            SELECT DISTINCT owner_id, (hour AT TIME ZONE 'UTC')::date AS day
            FROM changed, LATERAL (
                VALUES (affiliate_id), (program_id), ('00000000-0000-0000-0000-000000000000'::uuid)
            ) AS owners (owner_id)
            WHERE hour < date_trunc('day', now(), 'UTC')
        ), wrong AS (
            SELECT owner_id, day FROM tracking_click_condensed_day JOIN touched USING (owner_id, day)
            WHERE is_right ORDER BY owner_id, day FOR UPDATE OF tracking_click_condensed_day
        )
        UPDATE tracking_click_condensed_day AS known SET is_right = false
        FROM wrong WHERE known.owner_id = wrong.owner_id AND known.day = wrong.day;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER click_hour_inserted AFTER INSERT ON tracking_click_hour
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_click_hour_counted();
CREATE TRIGGER click_hour_updated AFTER UPDATE ON tracking_click_hour
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_click_hour_counted();
CREATE TRIGGER click_hour_deleted AFTER DELETE ON tracking_click_hour
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_click_hour_counted();

-- One link's hours, for a report that asks about that link alone.
CREATE INDEX tracking_click_hour_link ON tracking_click_hour (link_id, hour);
