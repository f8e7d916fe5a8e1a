//! From an address to an agent that is in step, by one deadline and as many connections as it takes.

use alloc::boxed::Box;
use core::time::Duration;

use qmp_core::agent::{Client, Message, Session};
use qmp_core::time::Instant;

use crate::address::Address;
use crate::agent::inbox::Inbox;
use crate::agent::{Agent, AgentOptions};
use crate::clock::Clock;
use crate::connect::{Opened, fd, open, retry};
use crate::drive::Driver;
use crate::error::Error;
use crate::log;
use crate::notice::Queue;
use crate::stream::Stream;

pub(crate) fn to(address: &Address, options: &AgentOptions) -> Result<Agent, Error> {
    if let Address::Fd(number) = address {
        return once(fd::open(fd::inherited(*number)?, address.to_string())?, options);
    }
    let clock = Clock::start();
    retry::until(&options.base, clock, |deadline| {
        let begun = clock.now();
        loop {
            let until = deadline.min(clock.deadline(options.reconnect));
            match begin(open(address, clock, deadline)?, clock, until, options) {
                Err(Error::NoAgent { .. }) if !clock.is_past(deadline) => {}
                Err(Error::NoAgent { at, .. }) => {
                    return Err(Error::NoAgent { at, after: begun.until(clock.now()) });
                }
                outcome => return outcome,
            }
        }
    })
}

pub(crate) fn over(stream: Box<dyn Stream>, options: &AgentOptions) -> Result<Agent, Error> {
    once(Opened { stream, at: "the stream".to_owned() }, options)
}

fn once(opened: Opened, options: &AgentOptions) -> Result<Agent, Error> {
    let clock = Clock::start();
    begin(opened, clock, clock.deadline(options.base.deadline), options).inspect_err(log::failed)
}

fn begin(opened: Opened, clock: Clock, deadline: Instant, options: &AgentOptions) -> Result<Agent, Error> {
    log::connected(&opened.at);
    let inbox = Inbox { notices: Queue::new("notices", options.base.notices), syncing: true };
    let client = Client::new(options.storage(), options.config());
    let mut agent = Agent { driver: Driver::with(client, inbox, opened, clock), options: options.clone() };
    let begun = clock.now();
    let step = in_step(&mut agent.driver, deadline);
    agent.driver.opening = false;
    let after = begun.until(clock.now());
    if matches!(step, Ok(Step::Monitor)) {
        // It owes no answer.
        agent.options.farewell = Duration::ZERO;
    }
    let at = || agent.driver.at.clone();
    match step {
        Ok(Step::Ready) => {
            log::in_step(&agent.driver.at, agent.driver.client.commands().echoes_ids());
            Ok(agent)
        }
        Ok(Step::Monitor) => Err(Error::NotAgent { at: at() }),
        Ok(Step::TimedOut) => Err(Error::NoAgent { at: at(), after }),
        Err(error) => Err(error),
    }
}

/// How a wait for the session to be in step ended.
pub(crate) enum Step {
    Ready,
    /// It is a monitor's.
    Monitor,
    TimedOut,
}

/// Waits until the session is in step, until `deadline` at most.
pub(crate) fn in_step(driver: &mut Driver<Client<'static>>, deadline: Instant) -> Result<Step, Error> {
    // The core's time stood still since the last call.
    driver.client.handle_timeout(driver.clock.now());
    if driver.client.session() == Session::Ready {
        return Ok(Step::Ready);
    }
    let opening = driver.opening;
    let end = driver.pump(deadline, |message, inbox| match message {
        Message::Ready { .. } => {
            inbox.syncing = false;
            Some(Step::Ready)
        }
        Message::Greeting(_) if opening => Some(Step::Monitor),
        other => {
            <Client<'static> as crate::engine::Engine>::file(inbox, other);
            None
        }
    })?;
    Ok(end.unwrap_or(Step::TimedOut))
}
