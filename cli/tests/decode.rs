//! `qmp decode`: what a recorded stream comes to, line by line.

mod program;

use std::io::Write;
use std::process::Stdio;

use program::{Outcome, command, run, run_with};
use qmp_core::json::scan;

/// Decodes `stream`, whole and in chunks, which must make no difference.
fn decode(arguments: &[&str], stream: &[u8]) -> Outcome {
    let decode = |chunk: Option<&str>| {
        let mut all = vec!["decode"];
        all.extend_from_slice(arguments);
        all.extend(chunk.iter().flat_map(|chunk| ["--chunk", chunk]));
        run_with(&all, stream)
    };
    let whole = decode(None);
    for chunk in ["1", "2", "7", "64"] {
        let cut = decode(Some(chunk));
        assert_eq!((&cut.stdout, cut.status), (&whole.stdout, whole.status), "in chunks of {chunk}");
    }
    for line in whole.lines() {
        scan::check(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    whole
}

const GREETING: &str = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \
                        \"package\": \"Debian 1:7.2\"}, \"capabilities\": [\"oob\"]}}\r\n";

#[test]
fn a_session_as_its_client_reads_it() {
    let messages = [
        (GREETING, r#"{"kind":"greeting","version":[7,2,22],"package":"Debian 1:7.2","capabilities":["oob"]"#),
        ("{\"return\": {}, \"id\": 1}\r\n", r#"{"kind":"return","id":1,"value":{}"#),
        (
            "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 42}, \"event\": \"STOP\"}\r\n",
            r#"{"kind":"event","name":"STOP","seconds":1700000000,"microseconds":42"#,
        ),
        (
            "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"X\", \"data\": {\"a\": [1, 2]}}\r\n",
            r#"{"kind":"event","name":"X","seconds":-1,"microseconds":-1,"data":{"a":[1,2]}"#,
        ),
        ("{\"event\": \"Y\"}\n", r#"{"kind":"event","name":"Y""#),
        (
            "{\"id\": null, \"error\": {\"class\": \"GenericError\", \"desc\": \"a \\u00e9\\n\"}}\r\n",
            r#"{"kind":"error","id":null,"class":"GenericError","desc":"a é\n""#,
        ),
        (
            "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"\"}, \"id\": {\"b\": \"x\\\"y\"}}\r\n",
            r#"{"kind":"error","id":{"b":"x\"y"},"class":"CommandNotFound","desc":"""#,
        ),
        (
            "{\r\n    \"return\": [\r\n        1.50,\r\n        \"b  \\u00E9\\/\"\r\n    ]\r\n}\r\n",
            r#"{"kind":"return","value":[1.50,"b  \u00E9\/"]"#,
        ),
        ("{\"return\": 18446744073709551615}", r#"{"kind":"return","value":18446744073709551615"#),
        ("{\"other\": [ ]}", r#"{"kind":"unknown","value":{"other":[]}"#),
    ];
    let stream = messages.map(|(message, _)| message).concat();
    let mut offset = 0;
    let expected = messages.map(|(message, line)| {
        let line = format!("{line},\"offset\":{offset},\"bytes\":{}}}", message.trim_end().len());
        offset += message.len();
        line
    });
    let outcome = decode(&[], stream.as_bytes());
    assert_eq!(outcome.lines(), expected);
    assert_eq!(outcome.status, Some(0));
    let summary = format!("qmp: {offset} bytes: 1 greeting, 3 return, 3 event, 2 error, 1 unknown\n");
    assert_eq!(outcome.stderr, summary);
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(GREETING.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let from_file = run(&["decode", path]);
    assert_eq!(from_file.stdout, run_with(&["decode"], GREETING.as_bytes()).stdout);
    assert_eq!(from_file.stdout, run_with(&["decode", "-"], GREETING.as_bytes()).stdout);
    assert_eq!(from_file.status, Some(0));
}

#[test]
fn damage_costs_the_message_and_the_next_is_marked() {
    let stream = b"{\"return\": 1}\r\n{\"return\": @}\r\n{\"return\": 2}\r\n{\"return\": 3}\r\nnoise\r\n{\"retu";
    let outcome = decode(&[], stream);
    let expected = [
        r#"{"kind":"return","value":1,"offset":0,"bytes":13}"#,
        r#"{"kind":"malformed","offset":26,"reason":"unexpected byte","start":15}"#,
        r#"{"kind":"return","value":2,"after_gap":true,"offset":30,"bytes":13}"#,
        r#"{"kind":"return","value":3,"offset":45,"bytes":13}"#,
        r#"{"kind":"malformed","offset":60,"reason":"text between messages"}"#,
        r#"{"kind":"incomplete","offset":67}"#,
    ];
    assert_eq!(outcome.lines(), expected);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr, "qmp: 73 bytes: 3 return, 2 malformed, 1 incomplete\n");
}

#[test]
fn the_end_inside_a_message_alone_is_a_failure() {
    let outcome = decode(&[], b"{\"return\": 1}\r\n {");
    assert_eq!(outcome.lines()[1], r#"{"kind":"incomplete","offset":16}"#);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(decode(&[], b"").status, Some(0));
    assert_eq!(decode(&[], b" \r\n").stdout, "");
}

#[test]
fn what_does_not_fit_is_named() {
    let long = "x".repeat(300);
    let reply = format!("{{\"return\": \"{long}\", \"id\": 7}}\r\n");
    let event = format!("{{\"event\": \"E\", \"data\": {{\"x\": \"{long}\"}}}}\r\n");
    let stream = format!("{reply}{event}{{\"return\": {{}}}}\r\n");
    let (second, third) = (reply.len(), reply.len() + event.len());
    let outcome = decode(&["--buffer", "128"], stream.as_bytes());
    let expected = [
        format!(r#"{{"kind":"oversize","of":"return","id":7,"cause":"too long","offset":0,"bytes":{}}}"#, second - 2),
        format!(
            r#"{{"kind":"oversize","of":"event","name":"E","cause":"too long","offset":{second},"bytes":{}}}"#,
            event.len() - 2
        ),
        format!(r#"{{"kind":"return","value":{{}},"offset":{third},"bytes":14}}"#),
    ];
    assert_eq!(outcome.lines(), expected);
    assert_eq!(outcome.status, Some(0));
    // The longest message is the size of the buffer that it takes.
    let most = event.len() - 2;
    let with = |buffer: usize| decode(&["--buffer", &buffer.to_string()], stream.as_bytes()).stdout;
    assert_eq!(with(most), decode(&[], stream.as_bytes()).stdout);
    assert_eq!(with(most - 1).matches("oversize").count(), 1);
}

#[test]
fn what_is_too_deep_is_named() {
    let stream = format!("{{\"return\": {}{}, \"id\": 3}}\n", "[".repeat(1024), "]".repeat(1024));
    let outcome = decode(&[], stream.as_bytes());
    assert_eq!(
        outcome.lines(),
        [format!(
            r#"{{"kind":"oversize","of":"return","id":3,"cause":"too deep","offset":0,"bytes":{}}}"#,
            stream.len() - 1
        )]
    );
    let stream = format!("{{\"return\": {}{}}}\n", "[".repeat(1023), "]".repeat(1023));
    assert!(decode(&[], stream.as_bytes()).stdout.starts_with("{\"kind\":\"return\",\"value\":[[[["));
}

#[test]
fn numbers_that_json_lacks_become_null() {
    let outcome = decode(&[], b"{\"return\": {\"inf\": -inf, \"n\": [nan, \"\\u00e9 nan\"]}, \"id\": inf}\n");
    let expected = r#"{"kind":"return","id":null,"value":{"inf":null,"n":[null,"\u00e9 nan"]},"not_finite":true,"offset":0,"bytes":62}"#;
    assert_eq!(outcome.lines(), [expected]);
    assert_eq!(outcome.status, Some(0));
}

#[test]
fn a_session_as_its_server_reads_it() {
    let stream = b"{\"execute\": \"qmp_capabilities\", \"id\": 1}\n\
        {'exec-oob': 'migrate-pause', 'id': {'a': 'it\\'s'}}\
        {\"id\": null, \"arguments\": {'x': \"\\u00e9\", \"n\": [ 1.50 ]}, \"execute\": \"\\u0073top\"}\n\
        {\"execute\": 5, \"id\": 2}\n\
        {\"execute\": \"x\", \"other\": 1}\n\
        [1]\n\
        {\"execute\": \"cont\"} {\"exec";
    let outcome = decode(&["--role", "server"], stream);
    let expected = [
        r#"{"kind":"command","name":"qmp_capabilities","oob":false,"id":1,"#,
        r#"{"kind":"command","name":"migrate-pause","oob":true,"id":{"a":"it's"},"#,
        r#"{"kind":"command","name":"stop","oob":false,"id":null,"arguments":{"x":"é","n":[1.50]},"#,
        r#"{"kind":"refused","class":"GenericError","desc":"QMP input member 'execute' must be a string","id":2,"#,
        r#"{"kind":"refused","class":"GenericError","desc":"QMP input member 'other' is unexpected","#,
        r#"{"kind":"refused","class":"GenericError","desc":"QMP input must be a JSON object","#,
        r#"{"kind":"command","name":"cont","oob":false,"#,
        r#"{"kind":"incomplete","offset":"#,
    ];
    assert_eq!(outcome.lines().len(), expected.len(), "{outcome:?}");
    for (line, expected) in outcome.lines().iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.ends_with(": 4 command, 3 refused, 1 incomplete\n"), "{outcome:?}");
}

#[test]
fn a_command_that_does_not_fit_is_named() {
    let stream = format!("{{\"execute\": \"x\", \"arguments\": {{\"a\": \"{}\"}}, \"id\": 4}}\n", "a".repeat(300));
    let outcome = decode(&["--role", "server", "--buffer", "128"], stream.as_bytes());
    let expected = format!(
        r#"{{"kind":"oversize","of":"command","name":"x","oob":false,"id":4,"cause":"too long","offset":0,"bytes":{}}}"#,
        stream.len() - 1
    );
    assert_eq!(outcome.lines(), [expected]);
    assert_eq!(outcome.status, Some(0));
}

#[test]
fn a_guest_agents_sentinel_is_told() {
    let outcome = decode(
        &["--role", "agent"],
        b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}}\n\xFF{\"return\": 5}\n",
    );
    let expected = [
        r#"{"kind":"error","class":"GenericError","desc":"x","offset":0,"bytes":49}"#,
        r#"{"kind":"sentinel","offset":50}"#,
        r#"{"kind":"return","value":5,"offset":51,"bytes":13}"#,
    ];
    assert_eq!(outcome.lines(), expected);
    assert_eq!(outcome.status, Some(0));
    assert_eq!(decode(&[], b"\xFF{\"return\": 5}\n").status, Some(1));
}

#[test]
fn misuse_is_told_from_bad_input() {
    for arguments in [
        &["decode", "--role", "nobody"][..],
        &["decode", "--buffer", "0"],
        &["decode", "--chunk", "0"],
        &["decode", "--chunk", "many"],
        &["decode", "--no-such"],
        &["decode", "a", "b"],
        &["--socket", "/tmp/x", "decode"],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
    let outcome = run(&["decode", "/no/such/file"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr, "qmp: opening /no/such/file\n     because: No such file or directory (os error 2)\n");
}

#[test]
fn who_has_read_enough_may_go() {
    let mut child = command(&["decode"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("it is piped");
    // More than any pipe holds. It goes when its first line is not taken.
    let _ = stdin.write_all(&b"{\"return\": {}}\n".repeat(100_000));
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn lines_come_while_the_stream_goes_on() {
    use std::io::{BufRead, BufReader};
    let mut child =
        command(&["decode"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 1..=2 {
        writeln!(stdin, "{{\"return\": {number}}}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("\"value\":{number}")), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
