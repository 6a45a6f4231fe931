"""The questions that gathering.py asks. Each is asked once for a whole program and answers with one row a partner, or one
an order: what there is much of, clicks, is added up by the database.

Clicks are found by their links, whose index has the time too; the bounds on the key, which carries the time, keep the
question out of other months' partitions.
"""

#: Clicks of programs and machines, not counted already (MRC's general invalid traffic).
INVALID = (
    "bot", "crawler", "prefetch", "head_request", "no_user_agent", "no_language", "impossible_agent", "datacenter",
    "activity", "flood",
)  # fmt: skip
#: The ids that clicks on search advertisements carry, as the click door keeps them under `params.foreign`. Not
#: `fbclid` and its like: networks hang those on everybody's links.
PAID = ("gclid", "gbraid", "wbraid", "msclkid", "yclid")

CLICKS = """
WITH clicks AS MATERIALIZED (
    SELECT click.enrolment_id AS place, click.is_counted, click.uncounted_reason AS reason,
           click.params -> 'foreign' ?| %(paid)s AS is_paid, click.country,
           upper(substring(click.language FROM '^[A-Za-z]{2,3}-([A-Za-z]{2})')) AS spoken,
           CASE WHEN click.is_counted THEN set_masklen(click.ip::cidr, CASE family(click.ip) WHEN 4 THEN 24 ELSE 48 END) END AS network,
           CASE WHEN click.is_counted THEN extract(epoch FROM click.clicked_at - lag(click.clicked_at) OVER (
               PARTITION BY click.enrolment_id, click.is_counted ORDER BY click.clicked_at))::float8 END AS gap
    FROM tracking_link link JOIN tracking_click click ON click.link_id = link.id
    WHERE link.program_id = %(program)s AND click.kind = 'click'
          AND click.clicked_at > %(starts)s AND click.clicked_at <= %(ends)s
          AND click.id >= %(first)s AND click.id < %(last)s
), spread AS (
    SELECT place, network, count(*)::float8 AS number,
           row_number() OVER (PARTITION BY place ORDER BY count(*) DESC, network) AS rank
    FROM clicks WHERE network IS NOT NULL GROUP BY place, network
), networks AS (
    SELECT place, sum(number)::bigint AS clicks, count(*) AS number, max(number)::bigint AS largest,
           sum(number) FILTER (WHERE rank <= 5)::bigint AS first_five,
           log(2, sum(number)::numeric)::float8 - sum(number * ln(number)) / ln(2.0) / sum(number) AS bits,
           array_agg(network::text) FILTER (WHERE rank <= 5) AS first
    FROM spread GROUP BY place
), sums AS (
    SELECT place, count(*) AS clicks, count(*) FILTER (WHERE is_counted) AS counted,
           count(*) FILTER (WHERE reason = ANY(%(invalid)s)) AS invalid,
           count(*) FILTER (WHERE reason = 'not_a_page') AS embedded,
           count(*) FILTER (WHERE is_paid) AS paid,
           count(*) FILTER (WHERE is_counted AND country <> '' AND spoken IS NOT NULL) AS spoken,
           count(*) FILTER (WHERE is_counted AND country <> '' AND spoken <> country) AS foreign_,
           count(gap) AS gaps, coalesce(avg(gap), 0) AS gap_mean, coalesce(stddev_pop(gap), 0) AS gap_deviation,
           coalesce(avg(ln(greatest(gap, 0.001))) FILTER (WHERE gap IS NOT NULL), 0) AS gap_log
    FROM clicks GROUP BY place
)
SELECT sums.place, sums.clicks, counted, invalid, embedded, paid, spoken, foreign_, gaps, gap_mean, gap_deviation,
       gap_log, networks.clicks, networks.number, largest, first_five, bits, first
FROM sums LEFT JOIN networks USING (place)
"""

HOURS = """
SELECT affiliate_id, extract(epoch FROM hour)::bigint / 3600, sum(counted)::bigint
FROM tracking_click_hour
JOIN unnest(%(affiliates)s::uuid[], %(blocks)s::bigint[]) AS wanted (affiliate, block)
     ON wanted.affiliate = affiliate_id AND wanted.block = extract(epoch FROM hour)::bigint / 21600
WHERE program_id = %(program)s AND hour > %(starts)s - interval '6 hours' AND hour <= %(ends)s
GROUP BY 1, 2 HAVING sum(counted) > 0
"""

ORDERS = """
SELECT share.enrolment_id, conversion.id, conversion.occurred_at, conversion.customer_ref,
       conversion.customer_email_key, conversion.customer_signs, conversion.country,
       attribution.model = 'coupon' AND share.coupon_code <> '', click.clicked_at, click.country,
       set_masklen(click.ip::cidr, CASE family(click.ip) WHEN 4 THEN 24 ELSE 48 END)::text,
       host(set_masklen(click.ip, CASE family(click.ip) WHEN 4 THEN 32 ELSE 64 END)::cidr),
       click.visitor_id, others.before, others.last, others.is_early, others.has_own,
       (SELECT min(refund.at) FROM tracking_refund refund
        WHERE refund.conversion_id = conversion.id AND refund.voided_at IS NULL)
FROM tracking_conversion conversion
JOIN tracking_attribution attribution ON attribution.conversion_id = conversion.id
JOIN tracking_attributionshare share ON share.attribution_id = attribution.id AND share.role <> 'assist'
LEFT JOIN tracking_click click ON click.id = share.click_id
CROSS JOIN LATERAL (
    SELECT min(seconds) FILTER (WHERE NOT is_own AND is_click AND clicked_at IS NOT NULL
                                AND seconds >= floor(extract(epoch FROM conversion.occurred_at - clicked_at))) AS before,
           min(seconds) FILTER (WHERE NOT is_own AND is_click AND seconds >= 0) AS last,
           bool_or(reason = 'coupon_not_yet_valid') AS is_early,
           bool_or(is_own AND is_click) AS has_own
    FROM (
        SELECT click.clicked_at, (one ->> 'seconds_before')::bigint AS seconds, one ->> 'reason' AS reason,
               one ->> 'kind' = 'click' AND one ->> 'enrolment' <> '' AS is_click,
               EXISTS (SELECT 1 FROM jsonb_array_elements(attribution.candidates) AS winner
                       WHERE (winner ->> 'won')::boolean AND winner ->> 'enrolment' = one ->> 'enrolment') AS is_own
        FROM jsonb_array_elements(attribution.candidates) AS one
    ) AS touches
) AS others
WHERE conversion.program_id = %(program)s AND NOT conversion.is_test
      AND conversion.occurred_at > %(starts)s AND conversion.occurred_at <= %(ends)s
ORDER BY conversion.occurred_at, conversion.id
"""

OLDER = """
SELECT click.enrolment_id, count(*)
FROM tracking_conversion conversion JOIN tracking_click click ON click.id = conversion.click_id
WHERE conversion.program_id = %(program)s AND NOT conversion.is_test AND click.program_id = %(program)s
      AND conversion.occurred_at > %(starts)s AND conversion.occurred_at <= %(ends)s
      AND conversion.occurred_at < click.clicked_at - interval '1 hour'
GROUP BY 1
"""

#: Refused postbacks by the click they name; the last few thousand tell enough. A wrong signature proves no merchant, so
#: most are nobody's: the click says whose program it was about.
FORGED = """
SELECT named, count(*) FROM (
    SELECT substring(path || ' ' || encode(substring(body FROM 1 FOR 4000), 'escape') FROM 'clk_[0-9a-hjkmnp-tv-z]{26}') AS named
    FROM tracking_inboxrequest
    WHERE (merchant_id = %(merchant)s OR merchant_id IS NULL) AND reason = 'signature_wrong' AND NOT is_test
          AND received_at > %(starts)s AND received_at <= %(ends)s
    ORDER BY received_at DESC LIMIT 5000
) AS refused WHERE named IS NOT NULL GROUP BY 1
"""
