"""Commissions that can come back, and a second one for what is added after a payout."""

from typing import Any, ClassVar

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    """Commissions that can come back, and a second one for what is added after a payout."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0001_initial")]

    operations: ClassVar[list[Any]] = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="commission",
            name="commission_states",
        ),
        migrations.RemoveConstraint(
            model_name="commission",
            name="commission_once",
        ),
        migrations.AddField(
            model_name="commission",
            name="number",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="commission",
            trigger=pgtrigger.compiler.Trigger(
                name="commission_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:approved,pending:reversed,approved:reversed,reversed:pending,reversed:approved}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="2813a6e440ca002b24c6c0cbe720403611f81b6e",
                    operation="UPDATE",
                    pgid="pgtrigger_commission_states_d80c0",
                    table="payouts_commission",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="commission",
            constraint=models.UniqueConstraint(fields=("conversion", "enrolment", "number"), name="commission_once"),
        ),
    ]
