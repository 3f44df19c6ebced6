use super::*;
use larder_model::Kind;

const MIB: u64 = 1 << 20;

fn key(number: usize) -> Key {
    (1, number.to_string().into())
}

#[tokio::test]
async fn the_queue_is_bounded_and_forgets_who_left() {
    let turns = Turns::new(Budget::new(1 << 20));
    let first = turns.wait(key(0), MIB).await.expect("nobody waits");
    let mut waiting: Vec<_> = (1..=MAX_WAITING)
        .map(|number| Box::pin(turns.wait(key(number), MIB)))
        .collect();
    for wait in &mut waiting {
        assert!(wait.now_or_never().is_none(), "it waits");
    }
    // One more is refused, and told when to come again; who wants what others want is not.
    let problem = turns.wait(key(1000), MIB).await.err().expect("full");
    assert_eq!(
        (problem.kind, problem.retry_after),
        (Kind::Busy, Some(RETRY_AFTER))
    );
    assert!(turns.wait(key(1), MIB).now_or_never().is_none(), "it waits");
    // When all have left, the next one waits for nobody.
    drop(waiting);
    drop(first);
    let next = turns.wait(key(2000), MIB).now_or_never();
    assert!(next.is_some_and(|turn| turn.is_ok()));
}

#[tokio::test]
async fn those_who_want_the_same_have_one_turn() {
    let turns = Turns::new(Budget::new(1 << 20));
    let first = turns.wait(key(0), MIB).await.expect("nobody waits");
    let mut one = Box::pin(turns.wait(key(1), MIB));
    let mut other = Box::pin(turns.wait(key(1), MIB));
    assert!((&mut one).now_or_never().is_none());
    assert!((&mut other).now_or_never().is_none());
    drop(first);
    let one = one.await.expect("its turn");
    let other = other.await.expect("the same");
    assert!(Arc::ptr_eq(&one, &other));
}
