//! Whose password is looked at next: that of each network in turn, so that nobody waits behind all
//! that another one sends; and of no network do more than a few wait.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot::{self, Sender};

/// What waits, of one network and of all together.
const MAX_OF_NETWORK: usize = 128;
const MAX: usize = 1024;

/// Gives so many turns at once, and those that wait one after the other.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    /// Those who wait, by their networks; the first network is next. None of them is empty.
    waiting: VecDeque<(IpAddr, VecDeque<Sender<Turn>>)>,
}

/// The right to do one thing now; the next one comes when it is dropped.
pub(crate) struct Turn(Option<Turns>);

/// As many wait as may.
#[derive(Debug)]
pub(crate) struct TooMany;

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: at_once,
            waiting: VecDeque::new(),
        })))
    }

    /// A turn, if one is free at once.
    pub(crate) fn at_once(&self) -> Option<Turn> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(Turn(Some(self.clone())))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting()
    }

    /// Waits for a turn of `network`.
    pub(crate) async fn wait(&self, network: IpAddr) -> Result<Turn, TooMany> {
        if let Some(turn) = self.at_once() {
            return Ok(turn);
        }
        let turn = {
            let (sender, turn) = oneshot::channel();
            self.state().queue(network, sender)?;
            turn
        };
        turn.await.map_err(|_| TooMany) // whoever drops a turn sends it to someone who waits
    }

    /// Gives a turn to whoever is next.
    fn pass_on(self) {
        let mut turn = Turn(Some(self.clone()));
        loop {
            let next = {
                let mut state = self.state();
                let next = state.next();
                if next.is_none() {
                    turn.0 = None; // it ends here
                    state.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(turn) {
                Ok(()) => return,
                Err(refused) => turn = refused, // who waited has gone
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.waiting.iter().map(|(_, queue)| queue.len()).sum()
    }

    fn queue(&mut self, network: IpAddr, sender: Sender<Turn>) -> Result<(), TooMany> {
        let full = |state: &Self| {
            let mut queues = state.waiting.iter();
            let own = queues.find(|(of, _)| *of == network);
            own.is_some_and(|(_, queue)| queue.len() >= MAX_OF_NETWORK) || state.waiting() >= MAX
        };
        if full(self) {
            // Those who have gone count no more.
            for (_, queue) in &mut self.waiting {
                queue.retain(|sender| !sender.is_closed());
            }
            self.waiting.retain(|(_, queue)| !queue.is_empty());
            if full(self) {
                return Err(TooMany);
            }
        }
        match self.waiting.iter_mut().find(|(of, _)| *of == network) {
            Some((_, queue)) => queue.push_back(sender),
            None => self.waiting.push_back((network, [sender].into())),
        }
        Ok(())
    }

    /// The next of the first network, which then is the last.
    fn next(&mut self) -> Option<Sender<Turn>> {
        let (network, mut queue) = self.waiting.pop_front()?;
        let next = queue.pop_front();
        if !queue.is_empty() {
            self.waiting.push_back((network, queue));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests;
