//! `count WORK SUBJECT`: does a piece of work once, for callgrind to count; `count` lists what there is, a line each: work, unit,
//! amount, subject, and the number that comes of it.

use std::env;
use std::process::ExitCode;

use qmp_benches::measured;
use qmp_benches::subject;
use qmp_benches::work::Work;

fn main() -> ExitCode {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    match &arguments[..] {
        [] => {
            for work in Work::ALL {
                for subject in subject::all() {
                    let Some(mut task) = (subject.prepare)(work) else { continue };
                    println!("{}\t{}\t{}\t{}\t{}", work.name(), work.unit(), work.input().amount, subject.name, task());
                }
            }
            ExitCode::SUCCESS
        }
        [work, name] => {
            let subject = subject::all().into_iter().find(|subject| subject.name == name);
            let task = Work::named(work).zip(subject).and_then(|(work, subject)| (subject.prepare)(work));
            let Some(mut task) = task else {
                eprintln!("{name} does no {work}");
                return ExitCode::FAILURE;
            };
            println!("{}", measured(&mut *task));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: count [WORK SUBJECT]");
            ExitCode::FAILURE
        }
    }
}
