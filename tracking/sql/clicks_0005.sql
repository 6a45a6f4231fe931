-- Clicks at full strength: what kind of touch it was, whether it was the visitor's first, what the
-- visitor consented to, and with what they came. Roll-ups by the hour with sub-id, country and device.

ALTER TABLE tracking_click
    ADD COLUMN kind varchar(5) NOT NULL DEFAULT 'click',
    ADD COLUMN is_unique boolean NOT NULL DEFAULT false,
    ADD COLUMN consent varchar(10) NOT NULL DEFAULT 'not_needed',
    ADD COLUMN device varchar(10) NOT NULL DEFAULT '',
    ADD COLUMN browser varchar(40) NOT NULL DEFAULT '',
    ADD COLUMN os varchar(40) NOT NULL DEFAULT '',
    -- Who it was when there is no visitor id: a hash of program, shortened address and user agent.
    ADD COLUMN anonymous_key bigint,
    ADD CONSTRAINT tracking_click_kind_known CHECK (kind IN ('click', 'view')),
    ADD CONSTRAINT tracking_click_consent_known CHECK (consent IN ('granted', 'denied', 'unknown', 'not_needed')),
    ADD CONSTRAINT tracking_click_unique_counts CHECK (NOT is_unique OR (is_counted AND kind = 'click'));

CREATE INDEX tracking_click_anonymous ON tracking_click (anonymous_key, clicked_at) WHERE anonymous_key IS NOT NULL;

-- How far the addresses of old clicks have been shortened or hashed.
CREATE TABLE tracking_click_retention (
    partition name PRIMARY KEY,
    done_until timestamptz NOT NULL
);

-- clicks: followed links, whether they count or not. counted: those that do. uniques: those that were the
-- visitor's first within the program's window. views: counted impressions. So a link's gross clicks are
-- `clicks`, its invalid ones `clicks - counted` and its duplicates `counted - uniques`.
CREATE TABLE tracking_click_hour (
    hour timestamptz NOT NULL,
    program_id uuid NOT NULL,
    affiliate_id uuid NOT NULL,
    link_id uuid NOT NULL,
    sub1 varchar(255) NOT NULL DEFAULT '',
    country varchar(2) NOT NULL DEFAULT '',
    device varchar(10) NOT NULL DEFAULT '',
    clicks integer NOT NULL DEFAULT 0,
    counted integer NOT NULL DEFAULT 0,
    uniques integer NOT NULL DEFAULT 0,
    views integer NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, link_id, sub1, country, device),
    CONSTRAINT tracking_click_hour_sane CHECK (clicks >= counted AND counted >= uniques AND uniques >= 0 AND views >= 0)
)
-- Counts of the current hour grow again and again; with room on the page that touches no index.
WITH (fillfactor = 70);

CREATE INDEX tracking_click_hour_affiliate ON tracking_click_hour (affiliate_id, hour);
CREATE INDEX tracking_click_hour_program ON tracking_click_hour (program_id, hour);

-- What was recorded before: a counted click is unique when the visitor has none on the program in the day before.
UPDATE tracking_click SET is_unique = true
FROM (
    SELECT id, clicked_at - lag(clicked_at) OVER (PARTITION BY program_id, visitor_id ORDER BY id) AS since
    FROM tracking_click WHERE is_counted
) AS known
WHERE known.id = tracking_click.id AND (since IS NULL OR since >= interval '24 hours');

INSERT INTO tracking_click_hour
    (hour, program_id, affiliate_id, link_id, sub1, country, clicks, counted, uniques)
SELECT date_trunc('hour', clicked_at, 'UTC'), (array_agg(program_id))[1], (array_agg(affiliate_id))[1], link_id,
       coalesce(params ->> 'sub1', ''), country,
       count(*), count(*) FILTER (WHERE is_counted), count(*) FILTER (WHERE is_unique)
FROM tracking_click GROUP BY 1, 4, 5, 6;

-- By the hour and link alone, as before: now a sum over the finer roll-up, so that the two cannot differ.
DROP TABLE tracking_click_count;
CREATE VIEW tracking_click_count AS
SELECT hour, link_id, program_id, affiliate_id,
       sum(clicks)::integer AS clicks, sum(counted)::integer AS counted,
       sum(uniques)::integer AS uniques, sum(views)::integer AS views
FROM tracking_click_hour GROUP BY hour, link_id, program_id, affiliate_id;

-- Programs that are there already go on as they were: a visitor who says nothing gets a cookie.
INSERT INTO tracking_program_settings (program_id, consent)
SELECT id, 'not_required' FROM affiliates_program ON CONFLICT DO NOTHING;
