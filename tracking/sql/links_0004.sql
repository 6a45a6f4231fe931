-- A code belongs to one link for ever, as its own or as an alias, in either case of letters.
-- Every code ever used stands in tracking_link_code; its primary key decides between two who
-- ask at once. The rest tells the click doors on channel link_changed (see link_changed.sql):
--   <code>             an alias was made or taken away
--   program:<uuid>     a program's tracking settings changed
--   domain:<host>      a custom tracking host changed

CREATE FUNCTION tracking_code_kept(asked text, owner uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tracking_link_code AS kept (code, link_id) VALUES (lower(asked), owner)
        ON CONFLICT (code) DO UPDATE SET link_id = EXCLUDED.link_id WHERE kept.link_id = EXCLUDED.link_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the code % belongs to another link', asked
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'link_code_once', TABLE = 'tracking_link_code';
    END IF;
END $$;

CREATE FUNCTION tracking_link_code_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tracking_code_kept(NEW.code, NEW.id);
    RETURN NULL;
END $$;

-- The code that was shared so far goes on working: it becomes an alias by itself.
CREATE FUNCTION tracking_link_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tracking_code_kept(NEW.code, NEW.id);
    DELETE FROM tracking_link_alias WHERE code = NEW.code AND link_id = NEW.id;
    INSERT INTO tracking_link_alias (code, link_id) VALUES (OLD.code, OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION tracking_alias_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tracking_code_kept(NEW.code, NEW.link_id);
    RETURN NULL;
END $$;

CREATE FUNCTION tracking_alias_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('link_changed', '*');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('link_changed', OLD.code);
    ELSE
        PERFORM pg_notify('link_changed', NEW.code);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION tracking_settings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('link_changed', 'program:' || OLD.program_id);
    ELSE
        PERFORM pg_notify('link_changed', 'program:' || NEW.program_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION tracking_domain_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('link_changed', 'domain:' || OLD.host);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('link_changed', 'domain:' || NEW.host);
    END IF;
    RETURN NULL;
END $$;

INSERT INTO tracking_link_code (code, link_id) SELECT lower(code), id FROM tracking_link;

CREATE TRIGGER link_code_kept AFTER INSERT ON tracking_link
    FOR EACH ROW EXECUTE FUNCTION tracking_link_code_kept();
CREATE TRIGGER link_renamed AFTER UPDATE OF code ON tracking_link
    FOR EACH ROW WHEN (OLD.code <> NEW.code) EXECUTE FUNCTION tracking_link_renamed();
CREATE TRIGGER alias_code_kept AFTER INSERT OR UPDATE ON tracking_link_alias
    FOR EACH ROW EXECUTE FUNCTION tracking_alias_kept();
CREATE TRIGGER alias_changed AFTER INSERT OR UPDATE OR DELETE ON tracking_link_alias
    FOR EACH ROW EXECUTE FUNCTION tracking_alias_changed();
CREATE TRIGGER alias_changed_truncate AFTER TRUNCATE ON tracking_link_alias
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_alias_changed();
CREATE TRIGGER program_settings_changed AFTER INSERT OR UPDATE OR DELETE ON tracking_program_settings
    FOR EACH ROW EXECUTE FUNCTION tracking_settings_changed();
CREATE TRIGGER domain_changed AFTER INSERT OR UPDATE OF host, status, program_id OR DELETE ON tracking_domain
    FOR EACH ROW EXECUTE FUNCTION tracking_domain_changed();
