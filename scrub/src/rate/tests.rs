use super::{Bucket, Rate, UNLIMITED};
use std::time::Duration;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn bytes_take_as_long_as_the_rate_says() {
    let mut bucket = Bucket::new(Rate(1000));
    let begun = Instant::now();
    // A second's worth is there,
    bucket.pay(1000).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // then each byte has its time,
    for _ in 0..10 {
        bucket.pay(500).await;
    }
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_millis(5100),
        "{took:?}"
    );
    // and a rest is worth a second at most.
    advance(Duration::from_mins(1)).await;
    let begun = Instant::now();
    bucket.pay(1000).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    bucket.pay(1000).await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_nobody_waits() {
    let mut bucket = Bucket::new(UNLIMITED);
    let begun = Instant::now();
    bucket.pay(u64::MAX).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
