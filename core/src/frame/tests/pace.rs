//! That the fast path is fast is a matter of counting, too: what QEMU sends is taken by words, not byte by byte. Who breaks that breaks
//! nothing else that a test would see.

use super::*;

/// As many bytes of each stream, at least.
const BYTES: usize = 20_000;

/// What QEMU says, and how many steps a thousand bytes of it may cost: a few more than they do. The automaton takes a thousand.
const STREAMS: &[(&str, u64)] = &[
    ("{\"return\": {}, \"id\": 1}\r\n", 84),
    ("{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}, \"id\": 4711}\r\n", 73),
    ("{\"timestamp\": {\"seconds\": 1267020223, \"microseconds\": 435656}, \"event\": \"STOP\"}\r\n", 4),
    (
        "{\"timestamp\": {\"seconds\": 1267020223, \"microseconds\": 12}, \"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"status\": \"running\", \"id\": \"job0\"}}\r\n",
        41,
    ),
    (
        "{\"return\": [{\"name\": \"a\", \"members\": [{\"name\": \"x\", \"type\": \"14\"}, {\"name\": \"y\", \"default\": null, \"type\": \"int\"}], \"meta-type\": \"object\"}, {\"name\": \"b\", \"variants\": [{\"case\": \"c\", \"type\": \"12\"}], \"meta-type\": \"object\"}], \"id\": 1}\r\n",
        107,
    ),
    (
        "{\"return\": [{\"device\": \"ide0-hd0\", \"stats\": {\"rd_bytes\": 512345678, \"wr_bytes\": 0, \"failed_rd_operations\": -12, \"timed_stats\": []}, \"node-name\": \"#block123\"}], \"id\": 17}\r\n",
        80,
    ),
    ("{\"return\": [{\"n\": 1}, {\"n\": 22}, {\"n\": 333}, {\"n\": 4}, {\"n\": 5}], \"id\": 2}\r\n", 135),
    ("{\"return\": [[1, 2], [], {}, [{}, {\"a\": [true, false, null, 3]}], \"x\", -5], \"id\": 18}\r\n", 263),
    (
        "{\r\n    \"return\": {\r\n        \"status\": \"running\",\r\n        \"list\": [\r\n            1,\r\n            22\r\n        ],\r\n        \"running\": true\r\n    },\r\n    \"id\": 3\r\n}\r\n",
        102,
    ),
    (
        "{\"return\": \"a line\\r\\nof what the monitor said\\r\\nand some more: a \\\"word\\\" or two\\r\\n\", \"id\": 5}\r\n",
        166,
    ),
    ("{\"return\": {\"text\": \"żółć gęślą jaźń, which is no ASCII\"}, \"id\": 6}\r\n", 460),
];

#[test]
fn what_qemu_sends_is_taken_by_words() {
    for (message, most) in STREAMS {
        let stream = message.repeat(BYTES / message.len() + 1);
        for size in [4096, 65536] {
            let [slow, fast] = [false, true].map(|fast| {
                let cost = hostile::cost(stream.as_bytes(), size, 4096, Peer::Server, fast);
                cost.work * 1000 / stream.len() as u64
            });
            assert!(slow >= 900, "{slow} steps for a thousand bytes: {message}");
            assert!(fast <= *most, "{fast} steps for a thousand bytes: {message}");
        }
    }
}
