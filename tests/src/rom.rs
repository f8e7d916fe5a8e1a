//! A guest that does things one can see from outside: machine code in the place of a firmware, so that it runs from the first
//! instruction on.

/// What the guest does after each of its resets, in the first of which it is a machine just switched on.
///
/// A byte of the clock chip's memory, which resets and sleep leave as it is, counts them.
pub fn rom(steps: &[&[Out]]) -> Vec<u8> {
    let mut code = vec![0xFA]; // cli
    for (number, outs) in (0_u8..).zip(steps) {
        let mut step = Vec::new();
        Out::Byte(CLOCK, COUNTER).encode(&mut step);
        Out::Byte(CLOCK + 1, number + 1).encode(&mut step);
        for out in *outs {
            out.encode(&mut step);
        }
        step.extend(HALT);

        Out::Byte(CLOCK, COUNTER).encode(&mut code);
        code.extend([0xE4, CLOCK as u8 + 1, 0x3C, number]); // in al, 0x71; cmp al, number
        let [low, high] = (step.len() as u16).to_le_bytes();
        code.extend([0x0F, 0x85, low, high]); // jne behind it
        code.extend(step);
    }
    code.extend(HALT);
    image(&code)
}

/// A guest that does one thing so many times, as fast as it can, and then nothing.
pub fn flood(out: Out, times: u32) -> Vec<u8> {
    let mut code = vec![0xFA, 0x66, 0xB9]; // cli; mov ecx, times
    code.extend(times.to_le_bytes());
    let again = code.len();
    out.encode(&mut code);
    code.extend([0x66, 0x49, 0x75]); // dec ecx; jnz again
    let back = code.len() + 1 - again;
    code.push(0_u8.wrapping_sub(back as u8));
    code.extend(HALT);
    image(&code)
}

/// A processor begins 16 bytes before the end, with a jump to the beginning.
fn image(code: &[u8]) -> Vec<u8> {
    const SIZE: usize = 64 << 10;
    let mut rom = vec![0; SIZE];
    rom[..code.len()].copy_from_slice(code);
    rom[SIZE - 16..SIZE - 13].copy_from_slice(&[0xE9, 0x0D, 0x00]);
    rom
}

const CLOCK: u16 = 0x70;
/// A byte that neither QEMU nor the clock has a use for.
const COUNTER: u8 = 0x60;
/// `hlt`, again and again.
const HALT: [u8; 3] = [0xF4, 0xEB, 0xFD];

/// What is written to a port.
#[derive(Clone, Copy, Debug)]
pub enum Out {
    /// 8 bits.
    Byte(u16, u8),
    /// 16 bits.
    Word(u16, u16),
    /// 32 bits.
    Long(u16, u32),
}

impl Out {
    fn encode(self, code: &mut Vec<u8>) {
        let (Self::Byte(port, _) | Self::Word(port, _) | Self::Long(port, _)) = self;
        let [low, high] = port.to_le_bytes();
        code.extend([0xBA, low, high]); // mov dx, port
        match self {
            Self::Byte(_, value) => code.extend([0xB0, value, 0xEE]), // mov al, value; out dx, al
            Self::Word(_, value) => {
                let [low, high] = value.to_le_bytes();
                code.extend([0xB8, low, high, 0xEF]); // mov ax, value; out dx, ax
            }
            Self::Long(_, value) => {
                code.extend([0x66, 0xB8]); // mov eax, value
                code.extend(value.to_le_bytes());
                code.extend([0x66, 0xEF]); // out dx, eax
            }
        }
    }
}
