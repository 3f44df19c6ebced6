//! How many connections there are, in all and of one address, and which of them makes room when there
//! are too many.

use crate::observe::Observer;
use crate::pace::OpenRequests;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Counts connections.
pub(crate) struct ConnectionSlots {
    most: usize,
    max_of_one: usize,
    observer: Arc<Observer>,
    open: Arc<Mutex<OpenConnections>>,
}

/// The connections that are open, of each address in the order in which they came.
#[derive(Default)]
struct OpenConnections {
    by_address: HashMap<IpAddr, Vec<Arc<Guest>>>,
    count: usize,
}

/// A connection, as others see it.
#[derive(Default)]
pub(crate) struct Guest {
    /// What is being answered on it.
    pub(crate) answering: OpenRequests,
    leaving: AtomicBool,
    go: Notify,
}

impl Guest {
    /// Waits until it has to make room for another one.
    pub(crate) async fn asked_to_go(&self) {
        self.go.notified().await;
    }

    /// Whether it can make room: it was not asked to yet, and it waits for its peer.
    fn can_go(&self) -> bool {
        !self.leaving.load(Ordering::Relaxed) && self.answering.all_wait()
    }

    fn ask_to_go(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.go.notify_one();
    }
}

/// One counted connection.
pub(crate) struct ConnectionSlot {
    address: IpAddr,
    pub(crate) guest: Arc<Guest>,
    observer: Arc<Observer>,
    open: Arc<Mutex<OpenConnections>>,
    load: Arc<AtomicUsize>,
}

impl ConnectionSlots {
    /// At most `most` connections, and `max_of_one` from one address (0: no limit).
    pub(crate) fn new(most: usize, max_of_one: usize, observer: Arc<Observer>) -> Self {
        Self {
            most,
            max_of_one,
            observer,
            open: Arc::default(),
        }
    }

    /// Counts a connection in, on a worker's load too; `None`: there are too many, and none that
    /// could make room.
    pub(crate) fn admit(&self, address: IpAddr, load: &Arc<AtomicUsize>) -> Option<ConnectionSlot> {
        let guest = Arc::new(Guest::default());
        let admitted = lock(&self.open).admit(address, &guest, self.most, self.max_of_one);
        if !admitted {
            self.observer.refused_connections.inc();
            return None;
        }
        load.fetch_add(1, Ordering::Relaxed);
        self.observer.connections.inc();
        Some(ConnectionSlot {
            address,
            guest,
            observer: Arc::clone(&self.observer),
            open: Arc::clone(&self.open),
            load: Arc::clone(load),
        })
    }
}

fn lock(open: &Mutex<OpenConnections>) -> MutexGuard<'_, OpenConnections> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenConnections {
    fn admit(
        &mut self,
        address: IpAddr,
        guest: &Arc<Guest>,
        most: usize,
        max_of_one: usize,
    ) -> bool {
        let own = self.by_address.get(&address).map_or(0, Vec::len);
        if max_of_one > 0 && own >= max_of_one {
            return false;
        }
        if self.count >= most {
            let Some(other) = self.dispensable() else {
                return false;
            };
            other.ask_to_go();
        }
        self.count += 1;
        let own = self.by_address.entry(address).or_default();
        own.push(Arc::clone(guest));
        true
    }

    /// The oldest connection of the address that has most of them, of those that wait for their
    /// peers: who takes all there are makes room first, and nobody whose request is being answered.
    fn dispensable(&self) -> Option<&Guest> {
        let mut addresses: Vec<&Vec<Arc<Guest>>> = self.by_address.values().collect();
        addresses.sort_by_key(|guests| Reverse(guests.len()));
        let mut guests = addresses.into_iter().flatten();
        guests.find(|guest| guest.can_go()).map(|guest| &**guest)
    }

    fn leave(&mut self, address: IpAddr, guest: &Arc<Guest>) {
        self.count -= 1;
        let Some(guests) = self.by_address.get_mut(&address) else {
            return;
        };
        guests.retain(|other| !Arc::ptr_eq(other, guest));
        if guests.is_empty() {
            self.by_address.remove(&address);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        lock(&self.open).leave(self.address, &self.guest);
        self.load.fetch_sub(1, Ordering::Relaxed);
        self.observer.connections.dec();
    }
}

#[cfg(test)]
mod tests;
