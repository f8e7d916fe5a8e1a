//! The names of statics.

/// `BLOCK_DEVICE_INFO` for `BlockDeviceInfo`.
pub(super) fn screaming(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut written = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let behind = letters.get(at + 1);
        let begins_word =
            before.is_some_and(|before| !before.is_ascii_uppercase()) || behind.is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && begins_word && before.is_some_and(|before| before.is_ascii_alphanumeric()) {
            written.push('_');
        }
        written.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    written
}

#[cfg(test)]
mod tests {
    use super::screaming;

    #[test]
    fn words_begin_with_capitals() {
        for (name, written) in [
            ("BlockDeviceInfo", "BLOCK_DEVICE_INFO"),
            ("IOThreadInfo", "IO_THREAD_INFO"),
            ("QCryptoBlockInfoLUKS", "Q_CRYPTO_BLOCK_INFO_LUKS"),
            ("VncInfo2", "VNC_INFO2"),
            ("X86CPURegister32", "X86_CPU_REGISTER32"),
            ("String", "STRING"),
        ] {
            assert_eq!(screaming(name), written);
        }
    }
}
