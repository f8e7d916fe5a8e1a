//! The server's schema: asked for beside the user's commands, and there when it has come.

use alloc::sync::Arc;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use qmp_core::json::Payload;
use qmp_qapi::commands::QueryQmpSchema;
use qmp_std::qmp_core::command::Command;

use crate::schema::live::Live;

#[derive(Debug, Default)]
pub(super) struct Schema {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Clone, Debug, Default)]
enum Told {
    #[default]
    Unasked,
    Asked,
    /// Nothing, where the server has told none that can be read.
    Here(Option<Arc<Live>>),
}

impl Schema {
    /// Whether it is to be asked for: once.
    pub(super) fn ask(&self) -> bool {
        let mut told = self.told();
        let first = matches!(*told, Told::Unasked);
        if first {
            *told = Told::Asked;
        }
        first
    }

    /// What the server answered.
    pub(super) fn tell(&self, json: Option<&str>) {
        let live = json.and_then(|json| {
            let mut bytes = json.as_bytes().to_vec();
            let schema: <QueryQmpSchema as Command>::Return<'_> = Payload::parse(&mut bytes).ok()?.decode().ok()?;
            Live::read(schema).ok()
        });
        *self.told() = Told::Here(live.map(Arc::new));
        self.changed.notify_all();
    }

    /// It, if it has come.
    pub(super) fn now(&self) -> Option<Arc<Live>> {
        match &*self.told() {
            Told::Here(live) => live.clone(),
            Told::Unasked | Told::Asked => None,
        }
    }

    /// It, waited for if it was asked for.
    pub(super) fn wait(&self, most: Duration) -> Option<Arc<Live>> {
        let waiting = |told: &mut Told| matches!(told, Told::Asked);
        drop(self.changed.wait_timeout_while(self.told(), most, waiting));
        self.now()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
