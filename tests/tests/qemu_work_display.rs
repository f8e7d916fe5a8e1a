//! Screens and keys of real machines, by typed commands.

use qmp_qapi::List;
use qmp_qapi::commands::{
    self, ChangeVncPassword, Cont, ExpirePassword, InputSendEvent, QueryDisplayOptions, QueryMice, QueryVnc,
    QueryVncServers, Screendump, SendKey, SetPassword,
};
use qmp_qapi::types::{
    ExpirePasswordOptions, ExpirePasswordOptionsBranch, ExpirePasswordOptionsVnc, ImageFormat, InputAxis,
    InputBtnEvent, InputButton, InputEvent, InputKeyEvent, InputMoveEvent, KeyValue, QKeyCode, SetPasswordAction,
    SetPasswordOptions, SetPasswordOptionsBranch, SetPasswordOptionsVnc,
};
use qmp_tests::qemu;
use qmp_tests::work::Work;

#[test]
fn a_screen_is_dumped() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-device", "VGA,id=vga", "-device", "secondary-vga,id=second"]);
        let (first, second, third) = (work.path("first.ppm"), work.path("second.ppm"), work.path("third.png"));
        work.does(&Screendump::new(&first));
        work.does(&Screendump { device: Some("second"), head: Some(0), ..Screendump::new(&second) });
        for name in ["first.ppm", "second.ppm"] {
            assert!(work.content(name).starts_with(b"P6\n"), "{name}");
        }
        if qemu.is_at_least(7, 1) {
            work.does(&Screendump { format: Some(ImageFormat::Png), ..Screendump::new(&third) });
            assert!(work.content("third.png").starts_with(b"\x89PNG"));
        } else {
            println!("QEMU {}: no PNG before 7.1", qemu.version);
        }
        assert_eq!(
            work.refused(&Screendump { device: Some("none"), ..Screendump::new(&first) }).class,
            "DeviceNotFound"
        );
        work.ask(&QueryDisplayOptions, |options| println!("QEMU {}: {options:?}", qemu.version));
        work.finish();
    });
}

#[test]
fn keys_are_pressed_and_a_mouse_is_moved() {
    qemu::each(|qemu| {
        let mut work =
            Work::start(qemu, &["-device", "VGA", "-device", "qemu-xhci", "-device", "usb-tablet,id=tablet"]);
        work.ask(&QueryMice, |mice| {
            let tablet = mice.iter().map(Result::unwrap).find(|it| it.absolute).expect("the tablet");
            assert!(tablet.name.contains("Tablet"), "{tablet:?}");
        });
        let keys = [KeyValue::Qcode(QKeyCode::Ctrl), KeyValue::Qcode(QKeyCode::Alt), KeyValue::Number(0x53)];
        work.does(&SendKey { hold_time: Some(1), ..SendKey::new(List::new(&keys)) });
        // Every key that the release has, and none that it has not.
        let release = qemu.version.parse().expect("a release");
        let known = qmp_qapi::registry::qmp().definition("QKeyCode").expect("keys");
        let qmp_qapi::registry::Type::Enum(known) = known else { panic!("{known:?}") };
        for (name, code) in QKeyCode::VALUES {
            let is_there = known.value(name).is_some_and(|value| value.presence.includes(release));
            let keys = [KeyValue::Qcode(*code)];
            let sent = SendKey { hold_time: Some(1), ..SendKey::new(List::new(&keys)) };
            if is_there {
                work.does(&sent);
            } else {
                println!("QEMU {}: no key {name}", qemu.version);
                assert_eq!(work.refused(&sent).class, "GenericError");
            }
        }
        let events = [
            InputEvent::Key(InputKeyEvent::new(KeyValue::Qcode(QKeyCode::A), true)),
            InputEvent::Key(InputKeyEvent::new(KeyValue::Qcode(QKeyCode::A), false)),
            InputEvent::Abs(InputMoveEvent::new(InputAxis::X, 20_000)),
            InputEvent::Abs(InputMoveEvent::new(InputAxis::Y, 400)),
            InputEvent::Btn(InputBtnEvent::new(InputButton::Left, true)),
            InputEvent::Btn(InputBtnEvent::new(InputButton::Left, false)),
        ];
        let send = InputSendEvent::new(List::new(&events));
        let failure = work.refused(&send);
        assert!(failure.desc.contains("not running"), "{failure}");
        work.does(&Cont);
        work.does(&send);
        work.finish();
    });
}

/// Passwords have had a union since 7.0, and plain members before.
#[test]
fn vnc_is_looked_at_and_its_password_set() {
    qemu::each(|qemu| {
        let folder = tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder in /tmp");
        let socket = folder.path().join("vnc");
        let option = format!("unix:{},password=on", socket.display());
        let mut work = Work::start(qemu, &["-device", "VGA", "-vnc", &option]);
        work.ask(&QueryVnc, |it| {
            assert!(it.enabled);
            assert_eq!((it.auth, it.clients.map(|all| all.len())), (Some("vnc"), Some(0)));
        });
        work.ask(&QueryVncServers, |all| {
            assert_eq!(all.len(), 1);
            let it = all.get(0).unwrap().unwrap();
            assert_eq!((it.id, it.auth.name(), it.clients.len()), ("default", "vnc", 0));
            assert_eq!(it.server.len(), 1);
        });
        work.does(&ChangeVncPassword::new("first"));
        if qemu.is_at_least(7, 0) {
            let vnc = SetPasswordOptionsBranch::Vnc(SetPasswordOptionsVnc { display: Some("default") });
            let options = SetPasswordOptions {
                connected: Some(SetPasswordAction::Keep),
                ..SetPasswordOptions::new("second", vnc)
            };
            work.does(&SetPassword(options));
            let vnc = ExpirePasswordOptionsBranch::Vnc(ExpirePasswordOptionsVnc::new());
            work.does(&ExpirePassword(ExpirePasswordOptions::new("+60", vnc)));
        } else {
            println!("QEMU {}: passwords by plain members", qemu.version);
            work.does(&commands::older::SetPassword {
                connected: Some("keep"),
                ..commands::older::SetPassword::new("vnc", "second")
            });
            work.does(&commands::older::ExpirePassword::new("vnc", "+60"));
        }
        work.finish();
    });
}
