-- The book guards itself. Tried as the application's own role: SQL1–SQL12 in tests/ledger/test_sql_attacks.py.

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: the book is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER posting_no_truncate BEFORE TRUNCATE ON ledger_posting FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON ledger_event FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON ledger_event FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE ON ledger_seal FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER seal_no_truncate BEFORE TRUNCATE ON ledger_seal FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER sealed_append_only BEFORE UPDATE OR DELETE ON ledger_sealedentry FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER sealed_no_truncate BEFORE TRUNCATE ON ledger_sealedentry FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER account_no_delete BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER account_no_truncate BEFORE TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- An entry knows the transaction that wrote it; the clock and the number are the database's.
CREATE FUNCTION ledger_stamp_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.xact := pg_current_xact_id()::text::bigint;
    NEW.recorded_at := transaction_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER entry_stamp BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_stamp_entry();

-- An entry without postings says nothing.
CREATE FUNCTION ledger_entry_has_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_posting WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'entry % refused: it has no postings', NEW.reference USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_has_postings AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_has_postings();

-- Postings join only the entry of their own transaction, in the currency of both accounts.
CREATE FUNCTION ledger_check_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    written ledger_entry%ROWTYPE;
BEGIN
    SELECT * INTO written FROM ledger_entry WHERE id = NEW.entry_id;
    IF written.xact IS DISTINCT FROM pg_current_xact_id()::text::bigint
       OR written.recorded_at IS DISTINCT FROM transaction_timestamp() THEN
        RAISE EXCEPTION 'posting refused: entry % is closed', NEW.entry_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM ledger_account
               WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency <> NEW.currency) THEN
        RAISE EXCEPTION 'posting refused: % is not the currency of both accounts', NEW.currency
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER posting_check BEFORE INSERT ON ledger_posting FOR EACH ROW EXECUTE FUNCTION ledger_check_posting();

-- Running totals follow the postings. The accounts are taken in the order of their keys.
CREATE FUNCTION ledger_add_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM id FROM ledger_account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR UPDATE;
    UPDATE ledger_account SET
        debits_minor = debits_minor + CASE WHEN id = NEW.debit_id THEN NEW.amount_minor ELSE 0 END,
        credits_minor = credits_minor + CASE WHEN id = NEW.credit_id THEN NEW.amount_minor ELSE 0 END
    WHERE id IN (NEW.debit_id, NEW.credit_id);
    RETURN NULL;
END $$;
CREATE TRIGGER posting_totals AFTER INSERT ON ledger_posting FOR EACH ROW EXECUTE FUNCTION ledger_add_totals();

-- An account begins empty, keeps its name, and its totals move only from inside the trigger above.
CREATE FUNCTION ledger_guard_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.debits_minor <> 0 OR NEW.credits_minor <> 0 THEN
            RAISE EXCEPTION 'account % refused: it must begin empty', NEW.name USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'UPDATE on account % refused: only postings move totals', OLD.name
            USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.name, NEW.owner, NEW.kind, NEW.currency, NEW.type, NEW.is_guarded)
          IS DISTINCT FROM (OLD.id, OLD.name, OLD.owner, OLD.kind, OLD.currency, OLD.type, OLD.is_guarded) THEN
        RAISE EXCEPTION 'UPDATE on account % refused: accounts keep their names', OLD.name
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_guard BEFORE INSERT OR UPDATE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_guard_account();
