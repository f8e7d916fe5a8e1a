//! `qmp serve`: whatever a client does, the next one is served.

mod program;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use program::run;
use program::served::{LIMIT, Served};

/// Greeted, negotiated and answered: all is well.
fn is_well(served: &Served) {
    let mut client = served.connect();
    assert!(client.line().starts_with(r#"{"QMP":{"version":{"qemu":{"micro":"#));
    client.send("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-status\",\"id\":[\"well\"]}\n");
    assert_eq!(client.line(), r#"{"return":{}}"#);
    let status = client.line();
    assert!(status.starts_with(r#"{"return":{"status":""#) && status.ends_with(r#","id":["well"]}"#), "{status}");
}

#[test]
fn one_client_after_another() {
    let served = Served::start(&[]);
    let mut first = served.connect();
    assert!(first.line().contains("QMP"));
    // The second waits in line, and is greeted when the first goes.
    let mut second = served.connect();
    second.is_silent();
    first.send("{'execute': 'qmp_capabilities', 'arguments': {'enable': ['oob']}}");
    assert_eq!(first.line(), r#"{"return":{}}"#);
    drop(first);
    assert!(second.line().contains("QMP"));
    // What the first one negotiated is forgotten.
    second.send("{'execute': 'query-status', 'id': 1}");
    assert!(second.line().starts_with(r#"{"error":{"class":"CommandNotFound","desc":"Expecting capabilities"#));
    drop(second);
    is_well(&served);
}

#[test]
fn commands_events_and_the_end() {
    let mut served = Served::start(&["--no-oob"]);
    let mut client = served.connect();
    assert!(client.line().ends_with(r#""capabilities":[]}}"#));
    client.send("{\"execute\":\"qmp_capabilities\",\"id\":null}");
    assert_eq!(client.line(), r#"{"return":{},"id":null}"#);
    client.send("{'execute':'stop'}{'execute':'stop'}{'execute':'cont','id':{'é':1}}{'execute':'make-coffee'}");
    assert!(client.line().contains(r#""event":"STOP"#));
    assert_eq!(client.line(), r#"{"return":{}}"#);
    assert_eq!(client.line(), r#"{"return":{}}"#);
    assert!(client.line().contains(r#""event":"RESUME"#));
    assert_eq!(client.line(), r#"{"return":{},"id":{"\u00E9":1}}"#);
    assert!(client.line().contains("The command make-coffee has not been found"));
    client.send("{'execute':'query-status','arguments':{'x':1}}{'exec-oob':'query-yank'}");
    assert!(client.line().contains("Parameter 'x' is unexpected"));
    assert!(client.line().contains("QMP input member 'exec-oob' is unexpected"));
    // What comes behind it is never read, and costs nothing of the last words.
    client.send("{'execute':'quit','id':9}{'execute':'query-block'}");
    assert!(client.line().contains(r#""event":"SHUTDOWN","data":{"guest":false,"reason":"host-qmp-quit"}"#));
    assert_eq!(client.line(), r#"{"return":{},"id":9}"#);
    assert_eq!(client.rest(), "");
    assert_eq!(served.wait(), Some(0));
    assert!(!served.path().exists());
}

#[test]
fn out_of_band_commands_overtake() {
    let served = Served::start(&[]);
    let mut client = served.connect();
    assert!(client.line().ends_with(r#""capabilities":["oob"]}}"#));
    client.send("{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}");
    assert_eq!(client.line(), r#"{"return":{}}"#);
    client.send(
        "{'execute':'x-demo-nap','arguments':{'milliseconds':700},'id':1}{'execute':'query-status','id':2}\
         {'exec-oob':'query-yank','id':3}{'exec-oob':'query-status','id':4}{'exec-oob':'qmp_capabilities','id':5}[]",
    );
    for expected in [
        r#"{"return":[],"id":3}"#,
        r#"{"error":{"class":"GenericError","desc":"The command query-status does not support OOB"},"id":4}"#,
        r#"{"error":{"class":"GenericError","desc":"The command qmp_capabilities does not support OOB"},"id":5}"#,
        r#"{"return":{},"id":1}"#,
        r#"{"return":{"status":"running","running":true},"id":2}"#,
        r#"{"error":{"class":"GenericError","desc":"QMP input must be a JSON object"}}"#,
    ] {
        assert_eq!(client.line(), expected);
    }
    // One that goes while a command is executed takes its reply with it.
    client.send("{'execute':'x-demo-nap','arguments':{'milliseconds':60000},'id':'stale'}");
    drop(client);
    is_well(&served);
    // One that only sends no more is still answered.
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}{'execute':'x-demo-nap','arguments':{'milliseconds':50},'id':'late'}");
    client.end_of_input();
    assert!(client.rest().ends_with("{\"return\":{},\"id\":\"late\"}\r\n"));
    is_well(&served);
}

#[test]
fn arguments_of_a_nap_are_checked() {
    let served = Served::start(&[]);
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}{'execute':'x-demo-nap'}");
    client.send("{'execute':'x-demo-nap','arguments':{'milliseconds':-1}}");
    client.send("{'execute':'x-demo-nap','arguments':{'milliseconds':1,'x':{}}}");
    for part in ["QMP", "return", "'milliseconds' is missing", "expects an integer from 0", "'x' is unexpected"] {
        let line = client.line();
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn hostile_input_ends_no_service() {
    let served = Served::start(&[]);
    let deep = "[".repeat(3000);
    let long = format!("{{'execute': '{}'}}", "x".repeat(300_000));
    let id = format!("{{'execute': 'query-status', 'id': '{}'}}", "y".repeat(100_000));
    let many = format!("{{'execute': 'query-status', 'arguments': {{{}}}}}", "'a': 1, ".repeat(3000));
    let inputs: [&[u8]; 12] = [
        b"",
        b"\0\x01\xFE\xFF\xFF\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"{'execute'",
        b"{'execute': 1, 'id': 1e999}{'execute': 'x', 'arguments': []}{'execute': 'x', 'execute': 'y'}\n",
        b"{\"execute\": \"\xC0\x80\xED\xA0\x80\"}\n",
        b"]]]]}}}}\n{]",
        b"{'execute': 'x', 'arguments': {'a': 1, 'a': 2}, 'no': 1}{'execute': 'x', 'exec-oob': 'y'}",
        deep.as_bytes(),
        long.as_bytes(),
        id.as_bytes(),
        many.as_bytes(),
    ];
    for negotiation in
        ["", "{'execute':'qmp_capabilities'}", "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}"]
    {
        for input in inputs {
            let mut client = served.connect();
            client.send(negotiation);
            client.send_bytes(input);
            client.end_of_input();
            // Each thing that it says is a message, and it ends.
            for line in client.rest().lines() {
                assert!(
                    line.starts_with(r#"{"QMP":"#)
                        || line.starts_with(r#"{"error":"#)
                        || line.starts_with(r#"{"return":"#),
                    "{line}"
                );
            }
        }
    }
    is_well(&served);
}

/// Replies of 200 KB each, more than any buffer on the way takes, to one who does not read.
#[test]
fn a_client_that_reads_nothing_holds_up_nobody_when_it_goes() {
    let mut served = Served::start(&[]);
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}");
    client.send_until_full(b"{'execute':'query-qmp-schema'}");
    drop(client);
    is_well(&served);

    // One that reads late gets all: nothing was kept from it, and nothing was lost.
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}");
    client.send(&"{'execute':'query-qmp-schema'}".repeat(20));
    client.send("{'execute':'query-status','id':'last'}");
    client.end_of_input();
    let rest = client.rest();
    assert_eq!(rest.lines().count(), 1 + 1 + 20 + 1);
    assert!(rest.ends_with(",\"id\":\"last\"}\r\n"));

    // One that holds the machine so is no reason to stay when a signal says to go.
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}");
    client.send_until_full(b"{'execute':'query-qmp-schema'}");
    served.signal("TERM");
    assert_eq!(served.wait(), Some(0));
    assert!(!served.path().exists());
}

#[test]
fn signals_end_it() {
    for signal in ["INT", "TERM"] {
        // With nobody there, and with a client.
        for with_client in [false, true] {
            let mut served = Served::start(&[]);
            let client = with_client.then(|| {
                let mut client = served.connect();
                client.line();
                client
            });
            served.signal(signal);
            assert_eq!(served.wait(), Some(0), "SIG{signal}");
            assert!(!served.path().exists());
            if let Some(mut client) = client {
                assert_eq!(client.rest(), "");
            }
        }
    }
}

#[test]
fn only_a_socket_that_nobody_listens_on_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    // As a program leaves it that is killed.
    drop(UnixListener::bind(&path).unwrap());
    let served = Served::start_at(&path, &[]);
    is_well(&served);

    let outcome = run(&["--socket", path.to_str().unwrap(), "serve"]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("another program listens there"), "{outcome:?}");
    is_well(&served);
    drop(served);

    let precious = folder.path().join("precious");
    fs::write(&precious, "data").unwrap();
    let outcome = run(&["--socket", precious.to_str().unwrap(), "serve"]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("no socket"), "{outcome:?}");
    assert_eq!(fs::read(&precious).unwrap(), b"data");

    assert_eq!(run(&["--tcp", "localhost:1", "serve"]).status, Some(2));
    assert_eq!(run(&["serve"]).status, Some(2));
}

#[test]
fn indented_as_qemu_does_it() {
    let served = Served::start(&["--pretty"]);
    let mut client = served.connect();
    client.send("{'execute':'qmp_capabilities'}{'execute':'query-status'}");
    client.end_of_input();
    let said = client.rest();
    assert!(said.starts_with("{\r\n    \"QMP\": {\r\n        \"version\": {\r\n"), "{said}");
    assert!(
        said.ends_with(
            "{\r\n    \"return\": {\r\n        \"status\": \"running\",\r\n        \"running\": true\r\n    }\r\n}\r\n"
        ),
        "{said}"
    );
    // What was said can be read again, in whatever form.
    let path = served.path();
    let outcome = run(&["--socket", path.to_str().unwrap(), "exec", "query-block"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

#[test]
fn the_program_itself_is_served() {
    let mut served = Served::start(&[]);
    let path = served.path();
    let socket = path.to_str().unwrap();
    let exec = |words: &[&str]| run(&[&["--socket", socket, "exec"], words].concat());
    assert_eq!(exec(&["query-status"]).stdout, "{\"status\":\"running\",\"running\":true}\n");
    assert_eq!(exec(&["--oob", "query-yank"]).stdout, "[]\n");
    assert_eq!(exec(&["x-demo-nap", "milliseconds:=1"]).stdout, "{}\n");
    assert_eq!(exec(&["quit"]).status, Some(0));
    assert_eq!(served.wait(), Some(0));
}

/// A client may come and go at once, many times over.
#[test]
fn clients_that_only_knock() {
    let served = Served::start(&[]);
    for _ in 0..300 {
        drop(UnixStream::connect(served.path()).unwrap());
    }
    for _ in 0..30 {
        let mut stream = UnixStream::connect(served.path()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut first = [0; 1];
        match stream.read(&mut first) {
            Ok(1) => {}
            other => panic!("{other:?}"),
        }
        // Nor does it matter what it says last.
        stream.write_all(b"{").unwrap();
    }
    is_well(&served);
}
