//! `cargo xtask stack`: the deepest stack below each public function of the core, on a Cortex-M4. Recursion, a call by register and a
//! function whose stack is unknown are errors, as they have no bound.

use alloc::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::bare_metal::BareMetal;
use crate::calls::{Calls, Depth};
use crate::footprint::{Gate, Part, Row};
use crate::steps::Steps;
use crate::tool;
use crate::workspace::Workspace;

const TARGET: &str = "thumbv7em-none-eabihf";
const PROGRAM: &str = "qmp-no-std";
/// The compiler notes each function's stack, in core, too, which is built anew for it.
const FLAGS: &str = "-Zemit-stack-sizes";
/// The feature of the proof that adds a recursion.
const CONTROL: &str = "recursion";
/// Where the functions are that stand for the public ones, in the names of symbols.
const API: &str = "10qmp_no_std3api";
/// What recurses by right: writing and comparing what a caller nested, which is as deep as the caller made it. Received values are
/// written and compared by loops.
const CALLERS: [&str; 3] = ["9serialize", "9PartialEq2eq", "3any"];
const VOCABULARY: &str = "8qmp_qapi";
/// The bounds, in bytes. Of `poll`'s 112 are its caller's, for what it returns. 512 is its goal, too.
const LIMITS: [(&str, u32); 2] = [("client::poll", 512), ("client::feed", 512)];
/// Where replies may be delivered otherwise than whole: the same, and what that takes.
const DELIVERY: &str = "delivery";
const LIMITS_DELIVERY: [(&str, u32); 2] = [("client::poll", 712), ("client::feed", 512)];

pub(crate) fn run(gate: &Gate) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("stack");
    add_to(&mut steps, &workspace, gate);
    Ok(steps.finish())
}

pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace, gate: &Gate) {
    let mut found = None;
    steps.run("bare metal with sources", "a compiler that builds core with the sizes of stacks noted", || {
        found = Some(BareMetal::with_sources(workspace)?);
        Ok(())
    });
    let Some(bare_metal) = found else { return };
    steps.run("stack", "every public function's has a bound, and the client's a small one", || {
        let depths = bounded(&link(&bare_metal, "")?, &LIMITS)?;
        let rows = depths.into_iter().map(|(key, bytes)| Row { key, numbers: vec![bytes.into()] }).collect();
        gate.hold(workspace, &Part { name: "stack", columns: "| function | bytes of stack |", rows })
    });
    steps.run("stack, with replies in pieces", "the same for who has feature delivery", || {
        bounded(&link(&bare_metal, DELIVERY)?, &LIMITS_DELIVERY).map(|_| ())
    });
    steps.run("stack, control", "a recursion let in on purpose must be found", || {
        let calls = link(&bare_metal, CONTROL)?;
        let (entry, _) = calls.named("entry").find(|(_, it)| it.name == "entry").context("no entry")?;
        let mut unbounded = BTreeSet::new();
        calls.depth(entry, &mut unbounded);
        match unbounded.iter().find(|it| it.starts_with("recursion") && it.contains("descend")) {
            Some(_) => Ok(()),
            None => bail!("it was not: {unbounded:?}"),
        }
    });
}

/// The stack of each public function, all of which have a bound and some a small one.
fn bounded(calls: &Calls, limits: &[(&str, u32)]) -> Result<Vec<(String, u32)>> {
    let mut unbounded = BTreeSet::new();
    let mut depths = public(calls, &mut unbounded);
    depths.sort_by(|one, other| one.0.cmp(&other.0));
    // All that the proof reaches, whatever it is called from.
    let (entry, _) = calls.named("entry").find(|(_, it)| it.name == "entry").context("no entry")?;
    let mut anywhere = BTreeSet::new();
    calls.depth(entry, &mut anywhere);
    let by_right = |it: &String| it.contains(VOCABULARY) && CALLERS.iter().any(|part| it.contains(part));
    unbounded.extend(anywhere.into_iter().filter(|it| !by_right(it)));
    if let Some(one) = unbounded.iter().next() {
        unbounded.iter().for_each(|it| println!("{it}"));
        bail!("without a bound: {one}{}", if unbounded.len() > 1 { ", and others named above" } else { "" });
    }
    for (name, limit) in limits {
        let (_, depth) = depths.iter().find(|(it, _)| it == name).with_context(|| format!("no {name}"))?;
        println!("{name}: {} B, limit {limit} B", depth.bytes);
        for (function, own) in &depth.chain {
            println!("  {own:>5}  {function}");
        }
        if depth.bytes > *limit {
            bail!("{name} takes {} B of stack, {} B over the limit", depth.bytes, depth.bytes - limit);
        }
    }
    Ok(depths.into_iter().map(|(name, depth)| (name, depth.bytes)).collect())
}

/// The functions that stand for the public ones, as `group::name`, each with its depth.
fn public(calls: &Calls, unbounded: &mut BTreeSet<String>) -> Vec<(String, Depth)> {
    let functions = calls.named(API).filter_map(|(at, it)| Some((at, path(it.name.split_once(API)?.1)?)));
    functions.map(|(at, name)| (name, calls.depth(at, unbounded))).collect()
}

/// `6client4poll` is `client::poll`. What has more or less behind it is no function of the list.
fn path(mangled: &str) -> Option<String> {
    let (group, rest) = ident(mangled)?;
    let (name, rest) = ident(rest)?;
    (rest.is_empty() && name != "call").then(|| format!("{group}::{name}"))
}

fn ident(mangled: &str) -> Option<(&str, &str)> {
    let digits = mangled.find(|c: char| !c.is_ascii_digit())?;
    let (length, rest) = mangled.split_at_checked(digits)?;
    // An underscore stands between a length and a name that begins with one or with a digit.
    rest.strip_prefix('_').unwrap_or(rest).split_at_checked(length.parse().ok()?)
}

fn link(bare_metal: &BareMetal, features: &str) -> Result<Calls> {
    let mut cargo = tool::cargo(["build", "--quiet", "--release"]);
    cargo.current_dir(bare_metal.root.join("tests/no-std"));
    bare_metal.configure(&mut cargo, TARGET, "core", features);
    cargo.arg(format!("--config=target.{TARGET}.rustflags=[{FLAGS:?}]"));
    tool::run(&mut cargo)?;
    Calls::read(&bare_metal.program(TARGET, PROGRAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_symbols() {
        assert_eq!(path("6client4poll"), Some("client::poll".into()));
        assert_eq!(path("14agent_commands11synchronize"), Some("agent_commands::synchronize".into()));
        assert_eq!(path("6client4call"), None);
        assert_eq!(path("6client4poll0Cs1_3abc"), None);
        assert_eq!(path("6client99x"), None);
    }
}
