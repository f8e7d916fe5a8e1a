//! `qmp shell` at a terminal: what a person sees.

mod program;

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use program::canned::{Canned, Wire};
use program::terminal::Terminal;
use tempfile::TempDir;

const ENTER: &str = "\r";
const TAB: &str = "\t";
const UP: &str = "\u{1b}[A";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_U: &str = "\u{15}";
/// As long as anything takes.
const SOON: Duration = Duration::from_secs(30);

const EVENT: &str =
    "{\"event\": \"RESUME\", \"data\": {\"x\": 1}, \"timestamp\": {\"seconds\": 3661, \"microseconds\": 2000}}\r\n";

/// Greets, negotiates and knows no schema, and goes on as `session` says.
fn server(session: impl FnOnce(&mut Wire) + Send + 'static) -> Canned {
    Canned::after_negotiation("[]", |wire| {
        without_schema(wire);
        session(wire);
    })
}

fn without_schema(wire: &mut Wire) {
    wire.answer("\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no schema\"}");
}

fn start(server: &Canned, options: &[&str], home: &Path) -> Terminal {
    let path = server.path();
    let mut all = vec!["--socket", path.to_str().unwrap(), "shell"];
    all.extend_from_slice(options);
    let mut terminal = Terminal::run(env!("CARGO_BIN_EXE_qmp"), &all, home);
    terminal.shows("QEMU 8.2.0. help lists the commands");
    terminal.types("qmp> ");
    terminal
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What a test and its server tell each other.
fn steps() -> (Sender<()>, Receiver<()>) {
    channel()
}

fn step(steps: &Receiver<()>) {
    steps.recv_timeout(SOON).unwrap();
}

#[test]
fn a_session() {
    let ((to_server, at_server), (to_us, at_us)) = (steps(), steps());
    let server = server(move |wire| {
        wire.answer("\"return\": {\"status\": \"running\", \"singlestep\": false, \"n\": 1}");
        step(&at_server);
        wire.send(EVENT);
        let stop = wire.receive();
        to_us.send(()).unwrap();
        step(&at_server);
        wire.send(&format!("{{\"return\": {{}}, \"id\": {stop}}}\r\n"));
        wire.answer("\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[31m way\"}");
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &[], home.path());

    // A command is completed, executed, and its reply shown in colours, with the time that it took.
    terminal.press("query-statu");
    terminal.press(TAB);
    terminal.types("qmp> query-status ");
    terminal.press(ENTER);
    terminal.shows("  \"status\": \"running\",\n  \"singlestep\": false,\n  \"n\": 1\n}\n(");
    terminal.shows("ms)\nqmp>");
    assert_eq!(terminal.colour("\"status\":"), vt100::Color::Idx(4));
    assert_eq!(terminal.colour("\"running\""), vt100::Color::Idx(2));

    // What may follow is listed.
    terminal.press("block_resi\t\t");
    terminal.shows("size=       device=     node-name=\nqmp> block_resize");
    terminal.press("no\t");
    terminal.types("qmp> block_resize node-name=");

    // An event comes above the line that is typed.
    to_server.send(()).unwrap();
    terminal.shows("\n01:01:01.002Z RESUME {\"x\":1}\nqmp> block_resize node-name=");
    terminal.types("qmp> block_resize node-name=");
    terminal.press("d");
    terminal.types("qmp> block_resize node-name=d");
    terminal.press(CTRL_U);
    terminal.types("qmp> ");

    // The history, and a line that is given up.
    terminal.press(UP);
    terminal.types("qmp> query-status ");
    terminal.press(CTRL_C);
    terminal.types("qmp> ");

    // Ctrl-C ends the wait, and the reply comes when it comes.
    terminal.press("stop\r");
    step(&at_us);
    terminal.press(CTRL_C);
    terminal.shows("stop is still pending: a reply will be shown when it comes\nqmp>");
    terminal.press("pending\r");
    terminal.shows("\nstop since ");
    terminal.press("con");
    terminal.types("qmp> con");
    to_server.send(()).unwrap();
    terminal.shows("stop has been answered after all:\n{}\n(");
    terminal.types("qmp> con");
    terminal.press("t\r");
    terminal.shows("GenericError: no \\u001b[31m way\n(");
    terminal.types("qmp> ");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    let commands = server.commands();
    assert_eq!(commands[2..], ["query-status", "stop", "cont"].map(|name| format!("{{\"execute\":\"{name}\"}}")));
}

#[test]
fn what_does_not_fit_is_told_and_sent() {
    let server = server(|wire| {
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &["--color", "never"], home.path());
    terminal.press("block_resize size=1G\r");
    terminal.shows("qmp> block_resize size=1G\narguments.size: a string in place of int64\n{}\n(");
    terminal.types("qmp> ");
    assert_eq!(terminal.colour("arguments.size"), vt100::Color::Default);
    terminal.press("stop 'x\r");
    terminal.shows("the closing ' is missing\nqmp>");
    terminal.press("help block_resize\r");
    terminal.shows("  node-name?: str, since 2.0\n");
    terminal.press("exit\r");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.commands()[2], r#"{"execute":"block_resize","arguments":{"size":"1G"}}"#);
}

/// Keys wait for the next prompt, Ctrl-D too: nothing is lost that is typed while a command is awaited.
#[test]
fn keys_typed_between_prompts_are_kept() {
    let ((to_server, at_server), (to_us, at_us)) = (steps(), steps());
    let server = server(move |wire| {
        let stop = wire.receive();
        to_us.send(()).unwrap();
        step(&at_server);
        wire.send(&format!("{{\"return\": {{}}, \"id\": {stop}}}\r\n"));
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &[], home.path());
    terminal.press("stop\r");
    step(&at_us);
    terminal.press("cont\r");
    terminal.press(CTRL_D);
    to_server.send(()).unwrap();
    terminal.shows("qmp> stop\n{}\n(");
    terminal.shows("qmp> cont\n{}\n(");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.commands()[3..], [r#"{"execute":"cont"}"#]);
}

/// What runs tells more than what its release has: a name that no release has is completed and typed.
#[test]
fn the_servers_schema_completes() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer(
            r#""return": [
                {"meta-type": "builtin", "name": "int", "json-type": "int"},
                {"meta-type": "object", "name": "0", "members": [{"name": "speed", "type": "int"}]},
                {"meta-type": "object", "name": "1", "members": []},
                {"meta-type": "command", "name": "__com.example_go", "arg-type": "0", "ret-type": "1"}]"#,
        );
        wire.send(EVENT);
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &[], home.path());
    // It comes behind the schema.
    terminal.shows("RESUME");
    terminal.press("__\t\t7\r");
    terminal.shows("qmp> __com.example_go speed=7\n{}\n(");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.commands()[2], r#"{"execute":"__com.example_go","arguments":{"speed":7}}"#);
}

#[test]
fn quit_is_asked_about_and_a_new_connection_offered() {
    let (to_server, at_server) = steps();
    let home = home();
    let again = |wire: &mut Wire| {
        without_schema(wire);
        wire.answer("\"return\": {\"running\": true}");
        wire.wait_for_end();
    };
    let server = Canned::of_sessions(vec![
        Box::new(Canned::negotiated("[]", move |wire| {
            without_schema(wire);
            wire.receive();
            wire.answer("\"return\": {}");
            step(&at_server);
        })),
        Box::new(Canned::negotiated("[]", again)),
    ]);
    let mut terminal = start(&server, &["--timeout", "0.2"], home.path());
    terminal.press("stop\r");
    terminal.shows("no reply in time. stop is still pending");
    terminal.types("qmp> ");
    terminal.press("quit\r");
    terminal.shows("Really? [y/N]");
    terminal.press("n\r");
    terminal.types("qmp> ");
    terminal.press("quit\r");
    terminal.wait("the second question", |it| it.text().matches("Really? [y/N]").count() == 2);
    terminal.press("y\r");
    terminal.shows("\n{}\n(");
    terminal.types("qmp> ");
    to_server.send(()).unwrap();
    terminal.shows("stop was not answered: whether it is executed is unknown.");
    terminal.shows("the server has closed the connection. reconnect connects anew, exit leaves.");
    terminal.types("qmp> ");
    terminal.press("cont\r");
    terminal.shows("nothing was sent");
    terminal.press("reconnect\r");
    terminal.wait("the second greeting", |it| it.text().matches("help lists the commands").count() == 2);
    terminal.press("query-status\r");
    terminal.shows("\"running\": true");
    terminal.types("qmp> ");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    let names: Vec<String> = server.commands().into_iter().filter(|it| !it.contains("qmp_cap")).collect();
    let expected = ["query-qmp-schema", "stop", "quit", "query-qmp-schema", "query-status"];
    assert_eq!(names, expected.map(|name| format!("{{\"execute\":\"{name}\"}}")));
}

#[test]
fn the_history_outlives_the_shell() {
    let home = home();
    let run = |options: &[&str], keys: &[&str], expected: &[&str]| {
        let server = server(Wire::wait_for_end);
        let mut terminal = start(&server, options, home.path());
        for (keys, line) in keys.iter().zip(expected) {
            let prompts = |it: &Terminal| it.rows().iter().filter(|row| row.starts_with("qmp>")).count();
            // Behind the end of a line, a prompt of its own: keys that come earlier meet a terminal that edits lines by itself.
            let wanted = prompts(&terminal) + usize::from(keys.ends_with('\r') && line.starts_with("qmp>"));
            terminal.press(keys);
            terminal.wait(line, |it| it.typed() == *line && prompts(it) >= wanted);
        }
        terminal.press(&format!("{CTRL_U}{CTRL_D}"));
        assert_eq!(terminal.end(), Some(0));
    };
    // JSON may have several lines; what begins with a space is not kept.
    run(&[], &["# one\r", "# {\r", "}", "\r", " # secret\r"], &["qmp> ", "", "}", "qmp> ", "qmp> "]);
    run(&["--no-history"], &[UP, "# two\r"], &["qmp> ", "qmp> "]);
    // Up goes through the lines of a line, too.
    run(&[], &[UP, "\u{1b}[A\u{1b}[A"], &["# {\n}", "qmp> # one"].map(|line| line.rsplit('\n').next().unwrap()));
    let path = home.path().join(".local/state/qmp/history");
    let kept = fs::read_to_string(path).unwrap();
    assert!(kept.contains("# one") && !kept.contains("secret") && !kept.contains("two"), "{kept}");
}

/// A flood of events, while lines are typed and commands executed: nothing hangs, and the line stays whole.
#[test]
fn a_flood_of_events_holds_up_nothing() {
    const COMMANDS: usize = 20;
    let server = server(|wire| {
        for _ in 0..COMMANDS {
            wire.send(&EVENT.repeat(200));
            let id = wire.receive();
            wire.send(&format!("{}{{\"return\": {{}}, \"id\": {id}}}\r\n", EVENT.repeat(200)));
        }
        wire.send("{\"event\": \"LAST\"}\r\n");
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &["--no-history"], home.path());
    for _ in 0..COMMANDS {
        terminal.press("stop");
        terminal.press(ENTER);
    }
    terminal.shows("LAST");
    terminal.types("qmp> ");
    terminal.press("con");
    terminal.types("qmp> con");
    terminal.press(&format!("{CTRL_U}{CTRL_D}"));
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.commands().len(), 2 + COMMANDS);
}

/// Waiting for events costs a command no time: it is on the wire as soon as it is entered.
#[test]
fn a_command_goes_at_once() {
    const COMMANDS: usize = 30;
    let (to_us, at_us) = channel();
    let server = server(move |wire| {
        for _ in 0..COMMANDS {
            let id = wire.receive();
            to_us.send(Instant::now()).unwrap();
            wire.send(&format!("{{\"return\": {{}}, \"id\": {id}}}\r\n"));
        }
        wire.wait_for_end();
    });
    let home = home();
    let mut terminal = start(&server, &["--no-history"], home.path());
    let mut times: Vec<Duration> = (0..COMMANDS)
        .map(|_| {
            terminal.press("cont");
            terminal.types("qmp> cont");
            let entered = Instant::now();
            terminal.press(ENTER);
            let arrived = at_us.recv_timeout(SOON).unwrap();
            terminal.types("qmp> ");
            arrived - entered
        })
        .collect();
    times.sort();
    println!(
        "from Enter to the wire: {:?} at best, {:?} in the middle, {:?} at worst",
        times[0],
        times[COMMANDS / 2],
        times[COMMANDS - 1]
    );
    // Others use this machine, too: the best of many is the program's own.
    assert!(times[0] < Duration::from_millis(10), "{times:?}");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
}
