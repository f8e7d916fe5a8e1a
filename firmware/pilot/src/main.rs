//! Firmware that drives a hypervisor: its UART is wired to a QMP monitor, which may be that of the very QEMU that runs it.
//!
//! It greets, negotiates, asks what runs and on which disks, starts the machine anew if it is not its own, takes a step that can be seen
//! from outside, waits for the event that tells of its end, and walks through the whole schema, 200 KB through 6, element by element. It
//! says what it finds by defmt over semihosting, and exits 0. On a line that drops and doubles bytes it sends again what was not
//! answered, and gets there all the same.
#![no_std]
#![no_main]

mod journey;
mod name;

use qmp_board::{entry, exit, idle, now, uart};
use qmp_core::client::{Client, Config, Handshake, StaticStorage};
use qmp_core::drive::{Error, step_ready};
use static_cell::ConstStaticCell;

use journey::Journey;

/// Six KiB for the longest message that is delivered, two commands in flight. All zeroes, so it takes no flash.
static STORAGE: ConstStaticCell<StaticStorage<6144, 256, 2>> = ConstStaticCell::new(StaticStorage::new());

#[entry]
fn main() -> ! {
    let mut uart = uart();
    // It negotiates without waiting for the greeting, which may have come and gone before the UART was up.
    let mut client = Client::new(STORAGE.take().lend(), Config { handshake: Handshake::Blind, ..Config::DEFAULT });
    let mut journey = Journey::begin(client.commands());
    loop {
        client.handle_timeout(now());
        match step_ready(&mut client, &mut uart) {
            Ok(0) => idle(),
            Ok(_) | Err(Error::Full) => {}
            Err(Error::Io(never)) => match never {},
            Err(_) => exit(3),
        }
        loop {
            match client.poll() {
                Ok(Some(incoming)) => journey.take(incoming),
                Ok(None) => break,
                Err(error) => {
                    defmt::error!("{}", error);
                    exit(3);
                }
            }
        }
        if let Some(code) = journey.go_on(client.commands()) {
            exit(code);
        }
    }
}
