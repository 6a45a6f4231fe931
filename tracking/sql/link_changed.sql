-- Tells the click doors what changed: channel link_changed, payload
--   <code>             one link was made, changed or taken away
--   program:<uuid>     a program's state, hosts or landing page changed
--   enrolment:<uuid>   an enrolment's state changed
--   affiliate:<uuid>   an affiliate's state changed
--   *                  too much to name; read everything again
-- A code never holds a colon or a star. Needs the tables of affiliates and tracking_link.

CREATE FUNCTION tracking_link_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('link_changed', '*');
    ELSIF (SELECT count(*) FROM changed) > 500 THEN
        PERFORM pg_notify('link_changed', '*');
    ELSE
        PERFORM pg_notify('link_changed', code) FROM (SELECT DISTINCT code FROM changed) codes;
    END IF;
    RETURN NULL;
END $$;

-- The new code is announced by the update itself; the old one, if it differs, has to be forgotten.
CREATE FUNCTION tracking_link_recoded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('link_changed', OLD.code);
    RETURN NULL;
END $$;

CREATE FUNCTION tracking_link_owner_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('link_changed', TG_ARGV[0] || ':' || NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER link_changed_insert AFTER INSERT ON tracking_link
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_link_changed();
CREATE TRIGGER link_changed_update AFTER UPDATE ON tracking_link
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_link_changed();
CREATE TRIGGER link_changed_delete AFTER DELETE ON tracking_link
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tracking_link_changed();
CREATE TRIGGER link_changed_truncate AFTER TRUNCATE ON tracking_link
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_link_changed();
CREATE TRIGGER link_changed_code AFTER UPDATE OF code ON tracking_link
    FOR EACH ROW WHEN (OLD.code <> NEW.code) EXECUTE FUNCTION tracking_link_recoded();

CREATE TRIGGER program_changed AFTER UPDATE OF status, allowed_hosts, landing_url ON affiliates_program
    FOR EACH ROW WHEN (
        OLD.status <> NEW.status OR OLD.landing_url <> NEW.landing_url
        OR OLD.allowed_hosts IS DISTINCT FROM NEW.allowed_hosts
    ) EXECUTE FUNCTION tracking_link_owner_changed('program');
CREATE TRIGGER enrolment_changed AFTER UPDATE OF status ON affiliates_enrolment
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION tracking_link_owner_changed('enrolment');
CREATE TRIGGER affiliate_changed AFTER UPDATE OF status ON affiliates_affiliate
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION tracking_link_owner_changed('affiliate');
