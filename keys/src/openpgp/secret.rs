//! The secret part of a key, ready to sign with.

use super::packets::{Bytes, mpi};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use larder_model::Problem;

pub(super) const RSA: u8 = 1;
const RSA_SIGN_ONLY: u8 = 3;
pub(super) const EDDSA: u8 = 22;
/// Of the curve Ed25519.
const ED25519: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

/// Why a key cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    /// It is protected by a passphrase, or its secret part is elsewhere.
    Locked,
    /// It is of an algorithm that is not known here, or too weak.
    Algorithm,
    /// It does not agree with itself.
    Broken,
}

/// A key pair.
#[derive(Debug)]
pub(super) enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// Splits a version 4 key packet: its algorithm, its public part, its secret part.
pub(super) fn split(body: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mut rest = Bytes(body);
    let version = rest.byte()?;
    rest.take(4)?; // when it was made
    let algorithm = rest.byte()?;
    match algorithm {
        RSA..=RSA_SIGN_ONLY => (0..2).try_for_each(|_| rest.mpi().map(drop))?,
        EDDSA | 18 | 19 => {
            // ECDH has parameters after its point.
            let length = rest.number(1)?;
            rest.take(length)?;
            rest.mpi()?;
            if algorithm == 18 {
                let length = rest.number(1)?;
                rest.take(length)?;
            }
        }
        16 => (0..3).try_for_each(|_| rest.mpi().map(drop))?,
        17 => (0..4).try_for_each(|_| rest.mpi().map(drop))?,
        _ => return None,
    }
    let public = body.get(..body.len() - rest.0.len())?;
    (version == 4).then_some((algorithm, public, rest.0))
}

impl Pair {
    /// Reads a key from the two parts of its packet.
    pub(super) fn read(algorithm: u8, public: &[u8], secret: &[u8]) -> Result<Self, Unfit> {
        let (usage, secret) = secret.split_first().ok_or(Unfit::Broken)?;
        if *usage != 0 {
            return Err(Unfit::Locked);
        }
        let (numbers, sum) = secret.split_last_chunk::<2>().ok_or(Unfit::Broken)?;
        let total = numbers
            .iter()
            .fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        if total.to_be_bytes() != *sum {
            return Err(Unfit::Broken);
        }
        let public = Bytes(public.get(6..).ok_or(Unfit::Broken)?);
        match algorithm {
            RSA | RSA_SIGN_ONLY => {
                rsa(public, Bytes(numbers)).map(|pair| Self::Rsa(Box::new(pair)))
            }
            EDDSA => ed25519(public, Bytes(numbers)).map(|pair| Self::Ed25519(Box::new(pair))),
            _ => Err(Unfit::Algorithm),
        }
    }

    /// The algorithm by which it signs.
    pub(super) const fn algorithm(&self) -> u8 {
        match self {
            Self::Rsa(_) => RSA,
            Self::Ed25519(_) => EDDSA,
        }
    }

    /// The numbers of a signature over the SHA-256 of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                );
                signed.map_err(Problem::internal)?;
                Ok(mpi(&signature))
            }
            Self::Ed25519(pair) => {
                let signature = pair
                    .try_sign(digest(&SHA256, message).as_ref())
                    .map_err(Problem::internal)?;
                let (r, s) = signature.as_ref().split_at(32);
                Ok([mpi(r), mpi(s)].concat())
            }
        }
    }
}

fn rsa(mut public: Bytes<'_>, mut secret: Bytes<'_>) -> Result<RsaKeyPair, Unfit> {
    let mut numbers = || {
        Some((
            [public.mpi()?, public.mpi()?],
            [secret.mpi()?, secret.mpi()?, secret.mpi()?, secret.mpi()?],
        ))
    };
    let ([modulus, exponent], [d, p, q, u]) = numbers().ok_or(Unfit::Broken)?;
    if modulus.len() < 256 {
        return Err(Unfit::Algorithm);
    }
    // The number that comes last is the inverse of the first prime: elsewhere it is that of the
    // second.
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: modulus.to_vec(),
            e: exponent.to_vec(),
        },
        d: d.to_vec(),
        p: q.to_vec(),
        q: p.to_vec(),
        dP: rest_of(d, q).ok_or(Unfit::Broken)?,
        dQ: rest_of(d, p).ok_or(Unfit::Broken)?,
        qInv: u.to_vec(),
    };
    RsaKeyPair::from_components(&components).map_err(|_| Unfit::Broken)
}

/// `number mod (prime - 1)`, bit by bit: it is done once for a key.
fn rest_of(number: &[u8], prime: &[u8]) -> Option<Vec<u8>> {
    let (last, before) = prime.split_last()?;
    if *last & 1 == 0 || prime.len() < 2 {
        return None; // no prime
    }
    let divisor = [&[0], before, &[last - 1]].concat();
    let mut rest = vec![0_u8; divisor.len()];
    for bit in number
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
    {
        let mut carry = bit;
        for byte in rest.iter_mut().rev() {
            (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
        }
        if rest >= divisor {
            let mut borrow = false;
            for (byte, other) in rest.iter_mut().zip(&divisor).rev() {
                let (once, first) = byte.overflowing_sub(*other);
                let (twice, second) = once.overflowing_sub(u8::from(borrow));
                (*byte, borrow) = (twice, first || second);
            }
        }
    }
    Some(rest)
}

fn ed25519(mut public: Bytes<'_>, mut secret: Bytes<'_>) -> Result<Ed25519KeyPair, Unfit> {
    let length = public.number(1).ok_or(Unfit::Broken)?;
    if public.take(length) != Some(&ED25519) {
        return Err(Unfit::Algorithm);
    }
    let (point, number) = (
        public.mpi().ok_or(Unfit::Broken)?,
        secret.mpi().ok_or(Unfit::Broken)?,
    );
    let (Some((0x40, point)), 0..=32) = (point.split_first(), number.len()) else {
        return Err(Unfit::Broken);
    };
    let mut seed = [0; 32];
    seed[32 - number.len()..].copy_from_slice(number);
    Ed25519KeyPair::from_seed_and_public_key(&seed, point).map_err(|_| Unfit::Broken)
}

#[cfg(test)]
mod tests;
