-- Clicks, partitioned by month over the UUIDv7 key, and their hourly counts.
-- The bounds of a month are the smallest key of its first millisecond and that of the next
-- month (tracking/partitions.py makes them). What fits no month lands in the default partition.
-- No foreign keys: a click is a fact, and outlives the link it followed.

CREATE TABLE tracking_click (
    id uuid PRIMARY KEY,
    link_id uuid NOT NULL,
    enrolment_id uuid NOT NULL,
    program_id uuid NOT NULL,
    affiliate_id uuid NOT NULL,
    clicked_at timestamptz NOT NULL,
    visitor_id uuid,
    destination text NOT NULL,
    referrer text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    ip inet,
    language text NOT NULL DEFAULT '',
    country varchar(2) NOT NULL DEFAULT '',
    params jsonb NOT NULL DEFAULT '{}',
    is_counted boolean NOT NULL,
    uncounted_reason text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tracking_click_reason_when_uncounted CHECK (is_counted = (uncounted_reason = ''))
) PARTITION BY RANGE (id);

CREATE TABLE tracking_click_default PARTITION OF tracking_click DEFAULT;

-- Rows arrive in the order of time, so a block range index finds a day in a few pages.
CREATE INDEX tracking_click_clicked_at ON tracking_click USING brin (clicked_at);
CREATE INDEX tracking_click_visitor ON tracking_click (visitor_id, clicked_at);
CREATE INDEX tracking_click_link ON tracking_click (link_id, clicked_at);

CREATE TABLE tracking_click_count (
    hour timestamptz NOT NULL,
    link_id uuid NOT NULL,
    program_id uuid NOT NULL,
    affiliate_id uuid NOT NULL,
    clicks integer NOT NULL,
    counted integer NOT NULL,
    PRIMARY KEY (hour, link_id),
    CONSTRAINT tracking_click_count_sane CHECK (clicks >= counted AND counted >= 0)
)
-- Counts of the current hour grow again and again; with room on the page that touches no index.
WITH (fillfactor = 70);

CREATE INDEX tracking_click_count_affiliate ON tracking_click_count (affiliate_id, hour);
CREATE INDEX tracking_click_count_program ON tracking_click_count (program_id, hour);
