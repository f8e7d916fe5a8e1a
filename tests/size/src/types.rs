//! How large types are in memory: each the size of a symbol.

use core::hint::black_box;

use qmp_qapi::Event;
use qmp_qapi::types::{BlockInfo, BlockdevOptions, MigrationParameters};

macro_rules! types {
    ($($symbol:ident: $of:ty;)*) => {
        pub(crate) fn show() {
            $({
                #[allow(unsafe_code, non_upper_case_globals, reason = "a symbol by name is how the size gets out")]
                #[unsafe(no_mangle)]
                static $symbol: [u8; size_of::<$of>()] = [1; size_of::<$of>()];
                black_box(&$symbol);
            })*
        }
    };
}

types! {
    SIZE_OF_Event: Event<'_>;
    SIZE_OF_BlockInfo: BlockInfo<'_>;
    SIZE_OF_BlockdevOptions: BlockdevOptions<'_>;
    SIZE_OF_Client: qmp_core::client::Client<'_>;
    SIZE_OF_Slot: qmp_core::client::Slot;
    SIZE_OF_AgentClient: qmp_core::agent::Client<'_>;
    SIZE_OF_Server: qmp_core::server::Server<'_>;
    SIZE_OF_Pending: qmp_core::server::Pending;
    SIZE_OF_MigrationParameters: MigrationParameters<'_>;
}
