//! Stellaris LM3S6965EVB: a Cortex-M3 with 64 KiB of RAM. QEMU's hands bytes over as fast as they are taken.

use core::cell::RefCell;
use core::convert::Infallible;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use arm_pl011_uart::{DataBits, Interrupts, LineConfig, PL011Registers, Parity, StopBits, UniqueMmioPointer};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, Peripherals};
pub use cortex_m_rt::entry;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use heapless::spsc::{Consumer, Producer, Queue};
use lm3s6965::{Interrupt, interrupt};
use qmp_core::time::Instant;
use static_cell::ConstStaticCell;

/// The type of the machine, as QEMU names it.
pub const MACHINE: &str = "lm3s6965evb-machine";
/// UART0's registers, by the data sheet.
const REGISTERS: usize = 0x4000_C000;
/// The clock that the chip starts with, in Hz; exact enough for deadlines.
const CLOCK: u32 = 12_500_000;
const BAUD: u32 = 115_200;
/// Bytes that wait for the program. When it is full the UART's own 16 wait, and then the line does.
const WAITING: usize = 256;

/// The half that the interrupt works on.
struct Line {
    registers: arm_pl011_uart::Uart<'static>,
    received: Producer<'static, u8>,
}

static LINE: Mutex<RefCell<Option<Line>>> = Mutex::new(RefCell::new(None));
static QUEUE: ConstStaticCell<Queue<u8, WAITING>> = ConstStaticCell::new(Queue::new());
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

/// The half that the program has.
pub struct Uart {
    received: Consumer<'static, u8>,
}

/// Starts the UART and the clock. There is one UART: a second call panics.
#[allow(unsafe_code, reason = "registers, and the interrupt that shares them")]
pub fn uart() -> Uart {
    let (producer, consumer) = QUEUE.take().split();
    let address = NonNull::new(REGISTERS as *mut PL011Registers).expect("not null");
    // SAFETY: the data sheet has a PL011 at this address, for as long as there is power. Nothing else refers to it: the queue was
    // taken above, which happens once.
    let mut registers = arm_pl011_uart::Uart::new(unsafe { UniqueMmioPointer::new(address) });
    let line = LineConfig { data_bits: DataBits::Bits8, parity: Parity::None, stop_bits: StopBits::One };
    registers.enable(line, BAUD, CLOCK).expect("a rate that the clock can be divided to");
    registers.set_interrupt_masks(Interrupts::RXI | Interrupts::RTI);
    critical_section::with(|token| LINE.borrow_ref_mut(token).replace(Line { registers, received: producer }));

    if let Some(mut core) = Peripherals::take() {
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.set_reload(CLOCK / 1000 - 1);
        core.SYST.clear_current();
        core.SYST.enable_counter();
        core.SYST.enable_interrupt();
    }
    // SAFETY: the interrupt takes the lock on what it shares with the program, so it breaks no critical section.
    unsafe { NVIC::unmask(Interrupt::UART0) };
    Uart { received: consumer }
}

/// The time since the start.
pub fn now() -> Instant {
    Instant::from_millis(MILLISECONDS.load(Ordering::Relaxed).into())
}

/// Sleeps until a byte has come or a millisecond has gone.
pub fn idle() {
    cortex_m::asm::wfi();
}

#[exception]
fn SysTick() {
    // Written here only; a Cortex-M0 has no addition in one step.
    MILLISECONDS.store(MILLISECONDS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

#[interrupt]
fn UART0() {
    critical_section::with(|token| {
        if let Some(line) = LINE.borrow_ref_mut(token).as_mut() {
            line.receive();
        }
    });
}

impl Line {
    /// Takes what has come. Without room it leaves the rest, and has the interrupt wait for [`Uart::read`].
    fn receive(&mut self) {
        while self.received.ready() {
            match self.registers.read_word() {
                Ok(Some(byte)) => _ = self.received.enqueue(byte),
                Ok(None) => return,
                // A byte that was damaged on the line, or did not find room in the UART: the protocol notices what is missing.
                Err(_) => {}
            }
        }
        self.registers.set_interrupt_masks(Interrupts::empty());
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.received.ready())
    }
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        while !buffer.is_empty() && !self.received.ready() {
            cortex_m::asm::wfi();
        }
        let mut count = 0;
        for (place, byte) in buffer.iter_mut().zip(core::iter::from_fn(|| self.received.dequeue())) {
            *place = byte;
            count += 1;
        }
        // There is room again.
        critical_section::with(|token| {
            if let Some(line) = LINE.borrow_ref_mut(token).as_mut() {
                line.registers.set_interrupt_masks(Interrupts::RXI | Interrupts::RTI);
            }
        });
        Ok(count)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        loop {
            let written = critical_section::with(|token| {
                let mut line = LINE.borrow_ref_mut(token);
                let Some(Line { registers, .. }) = line.as_mut() else { return 0 };
                let mut rest = bytes.iter();
                while !registers.is_tx_fifo_full()
                    && let Some(byte) = rest.next()
                {
                    registers.write_word(*byte);
                }
                bytes.len() - rest.len()
            });
            if written > 0 || bytes.is_empty() {
                return Ok(written);
            }
        }
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
