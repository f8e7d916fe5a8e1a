//! The shell at a terminal.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context as _, Result};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use super::board::{Board, Filter, Turn};
use super::line::{self, Asked};
use super::session::{self, Known, Ready, Session, Waited};
use super::typeahead::TypeAhead;
use super::words::{self, Missing};
use super::{Options, complete, history, script, show};
use crate::args::Address;
use crate::output::style::{ASIDE, ERROR, NAME, WARNING};
use crate::output::{Failed, Paint, printable};

const PROMPT: &str = "qmp> ";

pub(super) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let _kept = TypeAhead::keep().context("preparing the terminal")?;
    let board = Arc::new(Board::default());
    board.filter(|filter| filter.all = !options.no_events);
    let session = Session::connect(options, address, &board, 0)?;
    let history = if options.no_history { None } else { history::path() };
    let mut terminal = Terminal::new(options, address, board, session, history)?;
    terminal.greet()?;
    let outcome = terminal.serve();
    terminal.board.pass(Turn::Over);
    outcome.map(|()| ExitCode::SUCCESS)
}

struct Terminal<'o> {
    options: &'o Options,
    address: &'o Address,
    board: Arc<Board>,
    session: Session,
    editor: Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
    paint: Paint,
}

impl<'o> Terminal<'o> {
    fn new(
        options: &'o Options,
        address: &'o Address,
        board: Arc<Board>,
        session: Session,
        history: Option<PathBuf>,
    ) -> Result<Self> {
        let paint = options.coloring.paint();
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .history_ignore_space(true)
            .max_history_size(HISTORY)
            .context("the history's size")?
            .build();
        let mut editor = Editor::with_config(config).context("preparing the terminal")?;
        editor.set_helper(Some(Assistant { known: session.known.clone(), paint }));
        if let Some(path) = &history {
            history::make_folder(path)
                .with_context(|| format!("making the folder of {} (or use --no-history)", path.display()))?;
            // There is none before the first time.
            let _ = editor.load_history(path);
        }
        let printer = editor.create_external_printer().ok();
        let shared = Arc::clone(&board);
        let show = move || print(&shared, printer, paint);
        thread::Builder::new().name("printer".into()).spawn(show).context("starting a thread")?;
        let mut signals = Signals::new([SIGINT]).context("preparing for Ctrl-C")?;
        let shared = Arc::clone(&board);
        let interrupt = move || signals.forever().for_each(|_| shared.interrupt());
        thread::Builder::new().name("interrupt".into()).spawn(interrupt).context("starting a thread")?;
        Ok(Self { options, address, board, session, editor, history, paint })
    }

    /// Whom one talks to.
    fn greet(&mut self) -> Result<()> {
        let server = &self.session.server;
        let version = server.version.map_or_else(|| "a server of no version".to_owned(), |it| format!("QEMU {it}"));
        let package = printable(&server.package);
        let package = if package.is_empty() { String::new() } else { format!(" ({package})") };
        self.say(&format!(
            "{}{package}. help lists the commands, Tab completes, Ctrl-D leaves.",
            self.paint.styled(NAME, &version)
        ))?;
        self.session.ask_schema();
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        loop {
            self.board.pass(Turn::Typing);
            let line = self.editor.readline(PROMPT);
            self.board.pass(Turn::Waiting);
            match line {
                Ok(line) => {
                    self.remember(&line)?;
                    if !self.execute(&line)? {
                        return Ok(());
                    }
                }
                // What was typed is given up.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(error).context("reading from the terminal"),
            }
        }
    }

    fn remember(&mut self, line: &str) -> Result<()> {
        let added = self.editor.add_history_entry(line).unwrap_or_default();
        let Some(path) = self.history.as_ref().filter(|_| added) else { return Ok(()) };
        if let Err(error) = self.editor.append_history(path) {
            let told = format!("the history cannot be written to {}: {error}", path.display());
            // Without it is better than not at all; and it is told once.
            self.history = None;
            return self.warn(&told);
        }
        Ok(())
    }

    /// Whether the shell goes on.
    fn execute(&mut self, line: &str) -> Result<bool> {
        match line::parse(line) {
            Err(message) => self.fail(&message)?,
            Ok(Asked::Nothing) => {}
            Ok(Asked::Exit) => return Ok(false),
            Ok(Asked::Help(words)) => match script::explain(&self.session.known.catalogue(), &words, self.paint) {
                Ok(text) => self.say(text.trim_end())?,
                Err(message) => self.fail(&message)?,
            },
            Ok(Asked::Events { on, names }) => {
                let filter = self.board.filter(|filter| {
                    if let Some(on) = on {
                        filter.set(on, names);
                    }
                });
                self.say(&describe(&filter))?;
            }
            Ok(Asked::Pending) => {
                let pending = self.board.pending();
                if pending.is_empty() {
                    self.say("every command has been answered")?;
                }
                for it in pending {
                    self.say(&format!("{} since {}", it.name, show::duration(it.since.elapsed())))?;
                }
            }
            Ok(Asked::Reconnect) => self.reconnect()?,
            Ok(Asked::Command(command)) => match self.session.prepare(&command) {
                Err(message) => self.fail(&message)?,
                Ok(command) => self.command(command)?,
            },
        }
        Ok(true)
    }

    fn command(&mut self, command: Ready) -> Result<()> {
        if !self.board.is_connected() {
            return self.fail("there is no connection, and nothing was sent. reconnect connects anew, exit leaves");
        }
        for warning in &command.warnings {
            self.warn(warning)?;
        }
        if command.name == "quit"
            && !self.confirm("quit ends QEMU and the machine in it (exit leaves the shell). Really? [y/N] ")?
        {
            return Ok(());
        }
        let name = command.name.clone();
        let number = self.session.send(command);
        let paint = self.paint;
        let show = |item: &_| put(&show::text(item, Some(number), paint));
        match session::wait(&self.board, number, self.options.timeout, show)? {
            Waited::Replied(reply) => put(&show::text(&super::board::Item::Reply(reply), Some(number), paint)),
            Waited::TimedOut => {
                self.warn(&format!("no reply in time. {name} is still pending: a reply will be shown when it comes"))
            }
            Waited::Interrupted => self.warn(&format!("{name} is still pending: a reply will be shown when it comes")),
        }
    }

    fn confirm(&mut self, question: &str) -> Result<bool> {
        match self.editor.readline(question) {
            Ok(answer) => Ok(matches!(answer.trim(), "y" | "Y" | "yes")),
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => Ok(false),
            Err(error) => Err(error).context("reading from the terminal"),
        }
    }

    fn reconnect(&mut self) -> Result<()> {
        match Session::connect(self.options, self.address, &self.board, self.session.last_number()) {
            Ok(session) => {
                self.session = session;
                if let Some(assistant) = self.editor.helper_mut() {
                    assistant.known = self.session.known.clone();
                }
                self.greet()
            }
            Err(error) => self.fail(&crate::explain(&error)),
        }
    }

    fn say(&self, text: &str) -> Result<()> {
        put(&format!("{text}\n"))
    }

    fn warn(&self, text: &str) -> Result<()> {
        self.say(&self.paint.styled(WARNING, &printable(text)))
    }

    fn fail(&self, text: &str) -> Result<()> {
        self.say(&self.paint.styled(ERROR, &printable(text)))
    }
}

/// As many lines are remembered.
const HISTORY: usize = 10_000;

fn describe(filter: &Filter) -> String {
    let except = filter.except.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match (filter.all, filter.except.is_empty()) {
        (true, true) => "events are shown".into(),
        (true, false) => format!("events are shown, but {except}"),
        (false, true) => "events are not shown".into(),
        (false, false) => format!("of the events only {except} are shown"),
    }
}

/// Shows what comes while a line is typed, above it.
fn print(board: &Board, mut printer: Option<impl ExternalPrinter>, paint: Paint) {
    while let Some(items) = board.take_while_typing() {
        let text: String = items.iter().map(|item| show::text(item, None, paint)).collect();
        // Who cannot print above the line prints where the cursor is.
        let printed = printer.as_mut().is_some_and(|printer| printer.print(text.clone()).is_ok());
        if !printed {
            let _ = put(&text);
        }
        board.printed();
    }
}

fn put(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failed::from)?;
    Ok(())
}

/// Helps who types.
struct Assistant {
    known: Known,
    paint: Paint,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete::complete(&self.known.catalogue(), &line[..at]))
    }
}

impl Highlighter for Assistant {
    #[expect(single_use_lifetimes, reason = "the trait has them")]
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(self.paint.styled(ASIDE, prompt))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {
    /// JSON may have several lines.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match words::split(context.input()).1 {
            Some(Missing::Json) => ValidationResult::Incomplete,
            Some(Missing::Quote(_)) | None => ValidationResult::Valid(None),
        })
    }
}

impl Helper for Assistant {}
