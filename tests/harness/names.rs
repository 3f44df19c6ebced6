//! A name server that tells what the test says, for a network of the test's own.

use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

/// An address, by RFC 1035 3.2.2 and 3.2.4.
const ADDRESS: [u8; 4] = [0, 1, 0, 1];

/// A running name server; it ends with the process.
pub struct Names(Arc<Mutex<HashMap<String, Vec<Ipv4Addr>>>>);

impl Names {
    /// Listens where resolvers ask, in the network that the thread is in.
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("the port of name servers");
        let names = Self(Arc::default());
        let known = Arc::clone(&names.0);
        std::thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let answer = answer(
                    &question[..length],
                    &known.lock().unwrap_or_else(PoisonError::into_inner),
                );
                // Who does not get it asks again.
                drop(answer.map(|answer| socket.send_to(&answer, from)));
            }
        });
        names
    }

    /// From now on `name` has these addresses.
    pub fn set(&self, name: &str, addresses: &[Ipv4Addr]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), addresses.into());
    }
}

/// The answer to one question (RFC 1035 4.1); only addresses of version 4 are known. None of them
/// is to be remembered.
fn answer(question: &[u8], known: &HashMap<String, Vec<Ipv4Addr>>) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    while let length @ 1.. = usize::from(*question.get(at)?) {
        labels.push(String::from_utf8_lossy(question.get(at + 1..=at + length)?).to_lowercase());
        at += length + 1;
    }
    let asked = question.get(12..at + 5)?;
    let found = known.get(&labels.join("."));
    let addresses = found
        .filter(|_| asked.ends_with(&ADDRESS))
        .map_or(&[][..], Vec::as_slice);
    let mut answer = question[..2].to_vec();
    answer.extend([
        0x81,
        if found.is_some() { 0x80 } else { 0x83 },
        0,
        1,
        0,
        u8::try_from(addresses.len()).ok()?,
        0,
        0,
        0,
        0,
    ]);
    answer.extend(asked);
    for address in addresses {
        answer.extend([0xc0, 12]);
        answer.extend(ADDRESS);
        answer.extend([0, 0, 0, 0, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}
