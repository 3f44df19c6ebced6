//! A session's CSRF token as a page holds it: another text in each page, so that its compressed size
//! tells nothing of it (BREACH).

use larder_model::{Problem, hex};

/// Hides a token behind random bytes that stand before it.
pub(crate) fn mask(token: &str) -> Result<String, Problem> {
    let mut random = vec![0; token.len()];
    getrandom::fill(&mut random).map_err(Problem::internal)?;
    let hidden: Vec<u8> = random
        .iter()
        .zip(token.bytes())
        .map(|(a, b)| a ^ b)
        .collect();
    Ok(format!("{}{}", hex::encode(&random), hex::encode(&hidden)))
}

/// The token that was hidden; `None`: it is none.
pub(crate) fn unmask(masked: &str) -> Option<String> {
    let mut bytes = vec![0; masked.len() / 2];
    hex::decode_into(masked, &mut bytes)?;
    let (random, hidden) = bytes.split_at(bytes.len() / 2);
    let token = random.iter().zip(hidden).map(|(a, b)| a ^ b).collect();
    String::from_utf8(token).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_and_is_never_the_same() {
        let masked = [
            mask("a-token").expect("random"),
            mask("a-token").expect("random"),
        ];
        assert_ne!(masked[0], masked[1]);
        for masked in masked {
            assert!(!masked.contains("a-token"));
            assert_eq!(unmask(&masked).as_deref(), Some("a-token"));
        }
        assert_eq!(unmask("zz"), None);
    }
}
