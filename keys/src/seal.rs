//! Short proofs that we made something: HMAC-SHA256 over parts whose lengths are part of the input.

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
}

impl Seal {
    /// A sealer for `purpose` under the server's key.
    pub fn new(key: &[u8; 32], purpose: &str) -> Self {
        let mut begun = Context::with_key(&Key::new(HMAC_SHA256, key));
        feed(&mut begun, purpose.as_bytes());
        Self { begun }
    }

    /// The seal over `parts`.
    pub fn make(&self, parts: &[&[u8]]) -> String {
        let mut context = self.begun.clone();
        for part in parts {
            feed(&mut context, part);
        }
        URL_SAFE_NO_PAD.encode(context.sign())
    }

    /// Whether `seal` is the one over `parts`.
    pub fn holds(&self, parts: &[&[u8]], seal: &str) -> bool {
        self.make(parts).as_bytes().ct_eq(seal.as_bytes()).into()
    }
}

/// A part goes in with its length, so that its border cannot be moved.
fn feed(context: &mut Context, part: &[u8]) {
    context.update(&(part.len() as u64).to_le_bytes());
    context.update(part);
}

#[cfg(test)]
mod tests;
