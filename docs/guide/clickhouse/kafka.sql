-- Records from Kafka into spanbridge's tables, by ClickHouse itself. The guide (docs/guide/clickhouse.md) says what to know before.
--
-- Run these statements in the database of the tables, with your brokers, topic and group.

-- 1. The topic. Each line of a message is a row. Servers before 21.1 have no JSONAsString: the guide says what to take instead.
CREATE TABLE spanbridge_line (line String) ENGINE = Kafka SETTINGS
    kafka_broker_list = 'broker1:9092,broker2:9092',
    kafka_topic_list = 'spanbridge-records',
    kafka_group_name = 'clickhouse',
    kafka_format = 'JSONAsString';

-- 2. What is no record of a release that these statements know. Look here from time to time.
CREATE TABLE spanbridge_rejected (at DateTime, line String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY at;

CREATE MATERIALIZED VIEW spanbridge_rejected_feed TO spanbridge_rejected AS
SELECT now() AS at, line FROM spanbridge_line
WHERE NOT match(line, '^[{]"schemaVersion":[1-9][0-9]*,"recordId":"([^"\\\\]|\\\\.)*",("type":"(segment|run:start|run:attributes|run:suspend|run:resume|run:end|span|span:start|span:end|span:attributes|span:event|artifact|edge)","runId":"[0-9a-f]{32}","traceId":"[0-9a-f]{32}",|"type":"(mutation|diagnostic)",("runId":"[0-9a-f]{32}",)?("traceId":"[0-9a-f]{32}",)?)"segmentId":"[0-9a-f]{16}","segmentSeq":[1-9][0-9]*,"service":".*[}]$');

-- 3. Records as rows. `head` is the record up to its attributes or what else is nested in it, `tail` what follows them. The whole record is the field `json`, which spanbridge reads;
-- the columns are for choosing, and for you.
CREATE MATERIALIZED VIEW spanbridge_feed TO record AS
WITH
    extract(line, '"type":"([a-z:]+)",') AS record_type,
    extract(line, '^.*?"(attributes|resource|links|from|key)":[{\\[]') AS nested,
    if(nested = '', line, extract(line, '^(.*?)"(?:attributes|resource|links|from|key)":[{\\[]')) AS head,
    record_type IN ('span', 'span:start') AS is_start,
    record_type IN ('span', 'span:end', 'run:end') AS is_end,
    toUInt64(toUnixTimestamp(now())) AS now_s,
    multiIf(nested = 'attributes', visitParamExtractRaw(line, 'attributes'), nested = 'resource', visitParamExtractRaw(line, 'resource'), '') AS attributes,
    [multiIf(is_start OR record_type IN ('segment', 'run:start'), visitParamExtractString(head, 'startedAt'),
        is_end, visitParamExtractString(head, 'endedAt'),
        record_type = 'run:suspend', visitParamExtractString(head, 'suspendedAt'),
        record_type = 'run:resume', visitParamExtractString(head, 'resumedAt'),
        record_type = 'span:event', visitParamExtractString(head, 'timestamp'),
        record_type = 'mutation', extract(line, '"columns":\\[[^\\]]*\\],"committedAt":"([^"]*)"'), ''),
        if(record_type = 'span', visitParamExtractString(head, 'endedAt'), '')] AS times,
    arrayMap(text -> toUInt64OrZero(replaceRegexpAll(substring(text, 1, 19), '[^0-9]', '')), times) AS numbers,
    substring(line, length(head) + if(attributes = '', 0, length(nested) + 3 + length(attributes)) + 1) AS tail,
    extract(head, '"runId":"([0-9a-f]{32})"') AS run_digits,
    extract(head, '"traceId":"([0-9a-f]{32})"') AS trace_digits,
    extract(head, '"spanId":"([0-9a-f]{16})"') AS span_digits,
    extract(head, '"parentSpanId":"([0-9a-f]{16})"') AS parent_digits,
    -- Nanoseconds since 1970. A year begins in March here, so that its leap day is the last.
    arrayMap((n, month, part) -> toUInt64(if(n = 0, 0, ((365 * intDiv(month, 12) + intDiv(month, 48) - intDiv(month, 1200)
        + intDiv(month, 4800) + intDiv(153 * (month % 12) + 2, 5) + intDiv(n, 1000000) % 100 - 719469) * 86400
        + intDiv(n, 10000) % 100 * 3600 + intDiv(n, 100) % 100 * 60 + n % 100) * 1000000000 + part)),
        numbers, arrayMap(n -> intDiv(n, 10000000000) * 12 + intDiv(n, 100000000) % 100 - 3, numbers),
        arrayMap(text -> toUInt64OrZero(substring(text, 21, 9)), times)) AS ns,
    ns[1] AS at_ns,
    if(record_type = 'span', ns[2] - ns[1], 0) AS took_ns,
    extractAll(attributes, '"((?:[^"\\\\]|\\\\.)*)":(?:"(?:[^"\\\\]|\\\\.)*"|[^",{}\\[\\]]+)') AS keys,
    extractAll(attributes, '"(?:[^"\\\\]|\\\\.)*":("(?:[^"\\\\]|\\\\.)*"|[^",{}\\[\\]]+)') AS values,
    arrayMap(link -> replaceOne(link, '","spanId":"', ''), if(is_start,
        extractAll(tail, '[{]"traceId":"([0-9a-f]{32}","spanId":"[0-9a-f]{16})"'), emptyArrayString())) AS links,
    if(record_type = 'edge', replaceOne(extract(line, '"to":[{]"traceId":"([0-9a-f]{32}","spanId":"[0-9a-f]{16})"'), '","spanId":"', ''), '') AS target,
    if(record_type = 'run:start', extract(head, '"parentRunId":"([0-9a-f]{32})"'), '') AS parent_run,
    if(record_type = 'segment', extract(tail, '"via":"([a-z]+)"'), '') AS via,
    if(record_type IN ('segment', 'run:suspend', 'run:resume'), visitParamExtractString(concat(head, tail), 'suspensionId'), '') AS suspension,
    if(is_end, visitParamExtractString(head, 'error'), '') AS failure
SELECT
    bitNot(now_s * 1000000) AS version,
    toUInt32(bitAnd(cityHash64(line), 4294967295)) AS hash,
    toDate(toUInt16(least(intDiv(if(at_ns = 0, now_s, intDiv(at_ns, 1000000000)), 86400), 49700))) AS day,
    toUInt32(if(at_ns = 0, now_s, 0)) AS near_first,
    toUInt32(if(at_ns = 0, now_s, 0)) AS near_last,
    toFixedString(unhex(multiIf(run_digits != '', run_digits, trace_digits != '', trace_digits, '00000000000000000000000000000000')), 16) AS run,
    toUInt8(if(run_digits = '', 0, 1) + if(trace_digits = '', 0, 2)) AS ids,
    if(run_digits = '' OR run_digits = trace_digits, '', unhex(trace_digits)) AS trace,
    toFixedString(unhex(extract(head, '"segmentId":"([0-9a-f]{16})"')), 8) AS segment,
    visitParamExtractUInt(head, 'segmentSeq') AS seq,
    toLowCardinality(visitParamExtractString(head, 'service')) AS service,
    toLowCardinality(record_type) AS type,
    toFixedString(unhex(if(span_digits = '', '0000000000000000', span_digits)), 8) AS span,
    toFixedString(unhex(if(parent_digits = '', '0000000000000000', parent_digits)), 8) AS parent,
    toLowCardinality(multiIf(record_type = 'edge', visitParamExtractString(head, 'edgeType'),
        record_type = 'diagnostic', visitParamExtractString(head, 'code'),
        record_type IN ('run:start', 'span', 'span:start', 'span:event'), visitParamExtractString(head, 'name'), '')) AS name,
    toLowCardinality(if(is_start, visitParamExtractString(head, 'primitive'), '')) AS primitive,
    toLowCardinality(if(is_start, visitParamExtractString(head, 'kind'), '')) AS kind,
    toLowCardinality(if(is_end, visitParamExtractString(head, 'status'), '')) AS status,
    toUInt32(bitShiftRight(at_ns, 32)) AS at_high,
    toUInt32(bitAnd(at_ns, 4294967295)) AS at_low,
    toUInt32(bitShiftRight(took_ns, 32)) AS took_high,
    toUInt32(bitAnd(took_ns, 4294967295)) AS took_low,
    arrayMap(key -> visitParamExtractString(concat('{"x":"', key, '"}'), 'x'), keys) AS `attribute.key`,
    arrayMap(value -> toUInt8(multiIf(value LIKE '"%', 4, value IN ('true', 'false'), 3, match(value, '^-?[0-9]+$'), 1,
        match(value, '^-?[0-9]'), 2, 5)), values) AS `attribute.kind`,
    arrayMap(value -> if(value LIKE '"%', visitParamExtractString(concat('{"x":', value, '}'), 'x'), value), values) AS `attribute.value`,
    arrayConcat(['json'], arrayMap(link -> 'link', links), if(target = '', emptyArrayString(), ['to.span']),
        if(parent_run = '', emptyArrayString(), ['parentRunId']), if(suspension = '', emptyArrayString(), ['suspensionId']),
        if(via = '', emptyArrayString(), ['via']), if(failure = '', emptyArrayString(), ['error'])) AS `field.key`,
    arrayConcat([line], links, if(target = '', emptyArrayString(), [target]),
        if(parent_run = '', emptyArrayString(), [parent_run]), if(suspension = '', emptyArrayString(), [suspension]),
        if(via = '', emptyArrayString(), [via]), if(failure = '', emptyArrayString(), [failure])) AS `field.value`
FROM spanbridge_line
WHERE match(line, '^[{]"schemaVersion":[1-9][0-9]*,"recordId":"([^"\\\\]|\\\\.)*",("type":"(segment|run:start|run:attributes|run:suspend|run:resume|run:end|span|span:start|span:end|span:attributes|span:event|artifact|edge)","runId":"[0-9a-f]{32}","traceId":"[0-9a-f]{32}",|"type":"(mutation|diagnostic)",("runId":"[0-9a-f]{32}",)?("traceId":"[0-9a-f]{32}",)?)"segmentId":"[0-9a-f]{16}","segmentSeq":[1-9][0-9]*,"service":".*[}]$');
