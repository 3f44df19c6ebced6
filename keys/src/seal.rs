//! Short proofs that we made something: HMAC-SHA256 over parts whose lengths are part of the input.

use crate::ring::KeyRing;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// Makes and checks seals. One key, and a purpose that keeps seals of one kind from passing for
/// another.
#[derive(Clone)]
pub struct Seal {
    /// The state after the purpose.
    begun: Context,
    /// The same under older keys, whose seals hold still.
    older: Vec<Context>,
}

impl Seal {
    /// A sealer for `purpose` under the server's key.
    pub fn new(key: &[u8; 32], purpose: &str) -> Self {
        Self {
            begun: begun(key, purpose),
            older: Vec::new(),
        }
    }

    /// A sealer for `purpose` under the newest key of a ring; seals under all of them hold.
    pub fn of(ring: &KeyRing, purpose: &str) -> Self {
        let older = ring.all().skip(1).map(|key| begun(key, purpose));
        Self {
            begun: begun(ring.newest(), purpose),
            older: older.collect(),
        }
    }

    /// The seal over `parts`.
    pub fn make(&self, parts: &[&[u8]]) -> String {
        made(&self.begun, parts)
    }

    /// Whether `seal` is the one over `parts`.
    pub fn holds(&self, parts: &[&[u8]], seal: &str) -> bool {
        let is_of =
            |begun: &Context| bool::from(made(begun, parts).as_bytes().ct_eq(seal.as_bytes()));
        is_of(&self.begun) || self.older.iter().any(is_of)
    }
}

fn begun(key: &[u8; 32], purpose: &str) -> Context {
    let mut begun = Context::with_key(&Key::new(HMAC_SHA256, key));
    feed(&mut begun, purpose.as_bytes());
    begun
}

fn made(begun: &Context, parts: &[&[u8]]) -> String {
    let mut context = begun.clone();
    for part in parts {
        feed(&mut context, part);
    }
    URL_SAFE_NO_PAD.encode(context.sign())
}

/// A part goes in with its length, so that its border cannot be moved.
fn feed(context: &mut Context, part: &[u8]) {
    context.update(&(part.len() as u64).to_le_bytes());
    context.update(part);
}

#[cfg(test)]
mod tests;
