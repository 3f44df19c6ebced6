//! Random schedules of clients and two collectors over one blob, step by step, through the very
//! statements that a server uses. After each step no manifest and no name misses its bytes, and what
//! a client was promised holds; at the end nothing is left, and each object was freed once.
//!
//! `LARDER_TEST_LONG=1` tries 100,000 schedules. A collector that lacks one of its checks is caught.

mod world;

use super::without_trash;
use world::{Fault, Mutation, World};

/// `SplitMix64`: the same seed is the same schedule.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Steps of a schedule.
const STEPS: u64 = 24;

async fn schedule(world: &mut World, seed: u64) -> Result<(), Fault> {
    let mut dice = Dice(seed);
    world.begin(&mut dice).await;
    let mut told = Vec::new();
    for _ in 0..STEPS {
        let step = world.step(&mut dice).await;
        told.push(step);
        if let Err(what) = world.check().await {
            return Err(Fault { seed, told, what });
        }
    }
    let ended = world.end().await;
    ended.map_err(|what| Fault { seed, told, what })
}

fn schedules(short: u64) -> u64 {
    let long = std::env::var_os("LARDER_TEST_LONG").is_some();
    if long { 100_000 } else { short }
}

#[tokio::test]
async fn no_schedule_loses_or_leaves_anything() {
    let mut world = World::new(None).await;
    for seed in 0..schedules(3_000) {
        if let Err(fault) = schedule(&mut world, seed).await {
            panic!("{fault}");
        }
    }
    world.assert_everything_happened();
}

/// Finds a schedule in which the mutated collector does harm.
async fn assert_caught(mutation: Mutation) {
    let mut world = World::new(Some(mutation)).await;
    for seed in 0..100_000 {
        if schedule(&mut world, seed).await.is_err() {
            return;
        }
    }
    panic!("a collector without its check does no harm: {mutation:?}");
}

#[tokio::test]
async fn a_collector_that_does_not_wait_is_caught() {
    assert_caught(Mutation::Wait).await;
}

#[tokio::test]
async fn a_collector_that_heeds_no_promise_is_caught() {
    assert_caught(Mutation::Promise).await;
}

#[tokio::test]
async fn a_collector_that_knows_no_generations_is_caught() {
    assert_caught(Mutation::Generations).await;
}

#[tokio::test]
async fn a_collector_without_a_fence_is_caught() {
    assert_caught(Mutation::Fence).await;
}
