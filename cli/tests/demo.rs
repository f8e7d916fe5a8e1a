//! `qmp` alone: the demo.

mod program;

use program::{command, run};

#[test]
fn the_tour_shows_what_it_promises() {
    let outcome = run(&[]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    for shown in [
        r#"<- {"QMP":{"version":"#,
        r#"-> {"execute":"qmp_capabilities","#,
        r#"= the machine is "running", running: true"#,
        "= STOP at ",
        "= RESUME at ",
        r#"= "the \"scratch\" disk" in "C:\\images\\win11.qcow2", sent as "the \"scratch\" disk""#,
        r#"= "磁盘" in "/images/数据.raw", sent as "\u78C1\u76D8""#,
        r#"= "a NUL: \0" in "#,
        "commands and 3 events among them",
        "an error of class CommandNotFound: The command make-coffee has not been found",
        "= too long: ",
        "= still in step",
        "= SHUTDOWN at ",
    ] {
        assert!(outcome.stdout.contains(shown), "{shown}\n{}", outcome.stdout);
    }
    // A terminal is to come to no harm.
    assert!(outcome.stdout.chars().all(|char| char == '\n' || !char.is_control()));
}

#[test]
fn it_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(&[]).env("TMPDIR", folder.path()).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains(folder.path().to_str().unwrap()));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_listed() {
    let outcome = run(&["--help"]);
    assert_eq!(outcome.status, Some(0));
    for word in ["exec", "events", "decode", "--socket", "--tcp"] {
        assert!(outcome.stdout.contains(word), "{word}");
    }
    assert_eq!(run(&["no-such-command"]).status, Some(2));
}
