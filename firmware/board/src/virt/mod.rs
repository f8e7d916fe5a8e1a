//! QEMU's `virt` machine for RISC-V.

mod interrupts;

use core::convert::Infallible;
use core::num::NonZero;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use qmp_core::time::Instant;
pub use riscv_rt::entry;
use static_cell::ConstStaticCell;
use uart_16550::backend::MmioBackend;
use uart_16550::spec::registers::IER;
use uart_16550::{Config, Uart16550};

/// The type of the machine, as QEMU names it.
pub const MACHINE: &str = "virt-machine";
/// The UART's registers.
const REGISTERS: NonZero<usize> = NonZero::new(0x1000_0000).unwrap();
/// The clock's ticks in a millisecond.
const TICKS: u64 = 10_000;

/// The UART. It has a queue of 16 bytes, and the line waits when that is full.
pub struct Uart(Uart16550<MmioBackend>);

/// There is one.
static UART: ConstStaticCell<()> = ConstStaticCell::new(());

/// Starts the UART. There is one: a second call panics.
#[allow(unsafe_code, reason = "registers")]
pub fn uart() -> Uart {
    UART.take();
    // SAFETY: the machine has an NS16550 at this address, a byte a register, from its start to its end; it was taken above, which
    // happens once.
    let mut uart = unsafe { Uart16550::new_mmio_from_address(REGISTERS, 1) }.expect("an address with room behind it");
    // It tells of the fourteenth byte that comes; what is fewer waits for a millisecond at most.
    uart.init(Config { interrupts: IER::DATA_READY, ..Config::default() }).expect("a UART that keeps what is written");
    interrupts::enable();
    Uart(uart)
}

/// The time since the start.
pub fn now() -> Instant {
    Instant::from_millis(riscv::register::time::read64() / TICKS)
}

pub use interrupts::sleep as idle;

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        self.0.read_ready()
    }
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        self.0.read(buffer)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.0.flush()
    }
}
