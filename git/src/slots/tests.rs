use super::*;
use futures_util::FutureExt as _;

#[tokio::test(start_paused = true)]
async fn slots_are_had_in_the_order_of_those_who_come() {
    let slots = Slots::new(1);
    let first = slots.take().await.expect("a slot");
    first.works();
    let mut second = pin!(slots.take());
    assert!(second.as_mut().now_or_never().is_none(), "it is taken");
    let mut third = pin!(slots.take());
    assert!(third.as_mut().now_or_never().is_none(), "it is taken");
    drop(first);
    assert!(
        third.as_mut().now_or_never().is_none(),
        "it is not its turn"
    );
    let second = second.await.expect("the next");
    drop(second);
    third.await.expect("the last");
}

#[tokio::test(start_paused = true)]
async fn whose_client_does_not_read_has_no_slot() {
    let slots = Slots::new(2);
    let (working, waiting) = (slots.take().await, slots.take().await);
    let (working, waiting) = (working.expect("a slot"), waiting.expect("a slot"));
    working.works();
    waiting.waits();
    let before = Instant::now();
    let next = slots.take().await.expect("the slot of the one that waits");
    assert!(before.elapsed() >= IDLE, "it is given time to read");
    next.works();
    // It reads again, and goes on beside the others; both slots are taken.
    waiting.works();
    let another = timeout(IDLE * 10, slots.take()).await;
    assert!(another.is_err(), "both work");
    drop(waiting);
    assert!(slots.take().now_or_never().is_none(), "it had none");
    drop(working);
    slots.take().await.expect("a slot");
}
