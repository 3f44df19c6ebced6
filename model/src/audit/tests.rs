use super::*;

#[test]
fn words_and_back() {
    for action in Action::ALL {
        assert_eq!(action.word().parse(), Ok(*action));
    }
    for outcome in Outcome::ALL {
        assert_eq!(outcome.word().parse(), Ok(*outcome));
    }
    assert_eq!("grant".parse::<Action>(), Err(UnknownKind));
}

#[test]
fn actions_are_nouns_and_verbs() {
    let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    for action in Action::ALL {
        let mut words = action.word().split('.');
        assert!(words.all(plain), "{action}");
    }
}
