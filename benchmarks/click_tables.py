"""The tables of the click benchmark: what the door and the drain read of the house's, and links in them."""

# The columns of the house's tables that the door and the drain read.
TABLES = """
CREATE TABLE affiliates_affiliate (id uuid PRIMARY KEY, status text DEFAULT 'active');
CREATE TABLE affiliates_program (id uuid PRIMARY KEY, status text DEFAULT 'open', landing_url text,
    allowed_hosts varchar(253)[], updated_at timestamptz DEFAULT now(), merchant_id uuid DEFAULT gen_random_uuid(),
    slug text DEFAULT 'shop');
CREATE TABLE affiliates_enrolment (id uuid PRIMARY KEY, status text DEFAULT 'approved',
    updated_at timestamptz DEFAULT now());
CREATE TABLE tracking_link (id uuid PRIMARY KEY, code varchar(64) UNIQUE, enrolment_id uuid, program_id uuid,
    affiliate_id uuid, destination varchar(2000), updated_at timestamptz DEFAULT now(),
    routing jsonb DEFAULT '[]', utm jsonb DEFAULT '{}', presets jsonb DEFAULT '{}');
CREATE TABLE tracking_link_code (code varchar(64) PRIMARY KEY, link_id uuid);
CREATE TABLE tracking_link_alias (code varchar(64) PRIMARY KEY, created_at timestamptz DEFAULT now(), link_id uuid);
CREATE TABLE tracking_program_settings (program_id uuid PRIMARY KEY, deep_links boolean DEFAULT true,
    routing jsonb DEFAULT '[]', utm_template jsonb DEFAULT '{}', traffic_back_url text DEFAULT '',
    unique_window_hours integer DEFAULT 24, consent text DEFAULT 'required', hide_referrer boolean DEFAULT false,
    updated_at timestamptz DEFAULT now());
CREATE TABLE tracking_domain (host text PRIMARY KEY, status text, verified_at timestamptz, merchant_id uuid,
    program_id uuid, stopped_at timestamptz);
"""
SQL_FILES = ("clicks.sql", "link_changed.sql", "links_0004.sql", "clicks_0005.sql")
# Every program asks for consent; every fourth has rules by device and share and adds its parameters.
LINKS = """
INSERT INTO affiliates_affiliate (id) VALUES (gen_random_uuid());
INSERT INTO affiliates_enrolment (id) VALUES (gen_random_uuid());
INSERT INTO affiliates_program (id, landing_url, allowed_hosts)
SELECT gen_random_uuid(), 'https://shop' || n || '.example/', ARRAY['shop' || n || '.example']
FROM generate_series(0, 19) n;
INSERT INTO tracking_program_settings (program_id, routing, utm_template)
SELECT id, CASE WHEN row_number() OVER () % 4 = 0 THEN jsonb_build_array(
        jsonb_build_object('when', jsonb_build_object('device', jsonb_build_array('mobile')), 'do', 'redirect',
                           'url', landing_url || 'app'),
        jsonb_build_object('when', jsonb_build_object('share', 50), 'do', 'redirect', 'url', landing_url || 'b'))
    ELSE '[]' END,
    CASE WHEN row_number() OVER () % 4 = 0 THEN '{{"utm_source": "{{affiliate}}"}}'::jsonb ELSE '{{}}' END
FROM affiliates_program;
INSERT INTO tracking_link (id, code, enrolment_id, program_id, affiliate_id, destination)
SELECT gen_random_uuid(), 'c' || n, e.id, p.id, a.id, p.landing_url || 'landing/page-' || n
FROM generate_series(0, {last}) n
JOIN (SELECT *, row_number() OVER () AS r FROM affiliates_program) p ON p.r = n % 20 + 1,
affiliates_enrolment e, affiliates_affiliate a;
ANALYZE;
"""
