-- Whatever changes an order, its commissions or the decision over it notes the order down, in the same transaction:
-- from then on reports read the order itself, until its lines have been copied anew (payouts/order_lines.py).

CREATE FUNCTION payouts_order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payouts_changedorder (conversion_id) SELECT id FROM changed;
    RETURN NULL;
END $$;

CREATE FUNCTION payouts_order_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payouts_changedorder (conversion_id) SELECT DISTINCT conversion_id FROM changed;
    RETURN NULL;
END $$;

CREATE FUNCTION payouts_order_share_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payouts_changedorder (conversion_id)
    SELECT DISTINCT a.conversion_id FROM changed JOIN tracking_attribution a ON a.id = changed.attribution_id;
    RETURN NULL;
END $$;

CREATE TRIGGER order_added AFTER INSERT ON tracking_conversion
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_changed();
CREATE TRIGGER order_changed AFTER UPDATE ON tracking_conversion
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_changed();
CREATE TRIGGER order_removed AFTER DELETE ON tracking_conversion
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_changed();

CREATE TRIGGER order_part_added AFTER INSERT ON payouts_commission
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();
CREATE TRIGGER order_part_changed AFTER UPDATE ON payouts_commission
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();
CREATE TRIGGER order_part_removed AFTER DELETE ON payouts_commission
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();

CREATE TRIGGER order_part_added AFTER INSERT ON tracking_attribution
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();
CREATE TRIGGER order_part_changed AFTER UPDATE ON tracking_attribution
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();
CREATE TRIGGER order_part_removed AFTER DELETE ON tracking_attribution
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_part_changed();

CREATE TRIGGER order_share_added AFTER INSERT ON tracking_attributionshare
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_share_changed();
CREATE TRIGGER order_share_changed AFTER UPDATE ON tracking_attributionshare
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_share_changed();
CREATE TRIGGER order_share_removed AFTER DELETE ON tracking_attributionshare
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION payouts_order_share_changed();

-- What is there already is copied by and by.
INSERT INTO payouts_changedorder (conversion_id) SELECT id FROM tracking_conversion;
