//! Bodies of upstreams that are wanted whole: in memory while there is room for them, else on the disk.
//!
//! Nobody waits for another's upstream, and however many bodies come, however slowly, they take no more
//! memory than there is room for. What was spooled is read back by whoever has a share of the budget for
//! it (`limits`).

use crate::limits::{Budget, Place, Room, SMALL_DOCUMENT, Share};
use bytes::Bytes;
use larder_content::{ContentStore, Prepared, Spool};
use larder_model::{Algorithm, Digest, Problem};
use std::thread;
use tokio::sync::oneshot;

/// So many bytes of each body come into memory without a place: about what its connection takes.
pub(crate) const FREE_BYTES: usize = 64 * 1024;
/// Larger bodies gather on the disk.
pub(crate) const HELD_BYTES: usize = 8 << 20;
/// Larger bodies are read and hashed away from the connections.
const HASHED_HERE: usize = 256 * 1024;
/// A body gathers in chunks of so many bytes, so that it never takes much more than what has come.
const CHUNK_BYTES: usize = 256 * 1024;

/// Takes in bodies.
#[derive(Clone)]
pub(crate) struct Intake {
    content: ContentStore,
    /// For the bodies of all upstreams, and for what is made of them. Nobody waits for it.
    room: Room,
    /// For what is nowhere kept and goes out: who waits for that waits for clients, and for no upstream.
    outgoing: Room,
}

/// A body that has come.
pub(crate) enum Received {
    /// It is in memory, and has its place there until the last of these bytes is dropped; with its digest,
    /// once that is known.
    Held(Bytes, Option<Digest>),
    /// It is on the disk.
    Spooled(Spool),
}

/// A body on its way in.
pub(crate) struct Receiver<'a> {
    intake: &'a Intake,
    /// What one upstream may take of the room.
    own: &'a Room,
    /// Whether it says that it will be larger than what is in memory.
    is_large: bool,
    gathered: Gathered,
}

enum Gathered {
    Memory(Chunks),
    Disk(Spool),
}

/// A body in memory that goes on.
#[derive(Default)]
struct Chunks {
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
    /// The bytes of all of them.
    size: usize,
    place: Option<Place>,
}

impl Intake {
    /// Holds bodies in `room`, and spools others to the store's disk; what goes out without being kept
    /// has its place in `outgoing`.
    pub(crate) const fn new(content: ContentStore, room: Room, outgoing: Room) -> Self {
        Self {
            content,
            room,
            outgoing,
        }
    }

    /// Begins a body of an upstream that may take `own` of the room.
    pub(crate) fn receiver<'a>(&'a self, own: &'a Room, announced: Option<u64>) -> Receiver<'a> {
        let announced = usize::try_from(announced.unwrap_or_default()).unwrap_or(usize::MAX);
        let chunks = Chunks {
            last: Vec::with_capacity(announced.min(FREE_BYTES)),
            ..Chunks::default()
        };
        Receiver {
            intake: self,
            own,
            is_large: announced > HELD_BYTES,
            gathered: Gathered::Memory(chunks),
        }
    }

    /// Takes in a body that was made of others, as if it had come.
    pub(crate) async fn take_in(&self, own: &Room, body: Bytes) -> Result<Received, Problem> {
        let mut receiver = self.receiver(own, Some(body.len() as u64));
        receiver.push(body).await?;
        receiver.finish().await
    }

    /// Holds bytes that were made, if there is room; else gives them back.
    pub(crate) fn hold(&self, bytes: Bytes) -> Result<Bytes, Bytes> {
        if bytes.len() <= SMALL_DOCUMENT {
            return Ok(bytes);
        }
        if bytes.len() > HELD_BYTES {
            return Err(bytes);
        }
        match self.room.place(bytes.len()) {
            Some(place) => Ok(held(bytes, place)),
            None => Err(bytes),
        }
    }

    /// Holds bytes that were made, once there is room.
    pub(crate) async fn hold_once(&self, bytes: Bytes) -> Result<Bytes, Problem> {
        if bytes.len() <= SMALL_DOCUMENT {
            return Ok(bytes);
        }
        let place = self.outgoing.wait(bytes.len()).await?;
        Ok(held(bytes, place))
    }

    /// A body's bytes, for whoever hands them on; what was spooled is read once there is room.
    pub(crate) async fn bytes_of(&self, received: Received) -> Result<Bytes, Problem> {
        match received {
            Received::Held(bytes, _) => Ok(bytes),
            Received::Spooled(mut spool) => {
                let size = usize::try_from(spool.size()).map_err(Problem::internal)?;
                let place = self.outgoing.wait(size).await?;
                Ok(held(spool.read().await?, place))
            }
        }
    }
}

/// Bytes and the place that they have.
struct Holding<T>(T, #[expect(dead_code, reason = "it is there")] Place);

impl<T: AsRef<[u8]>> AsRef<[u8]> for Holding<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

/// Bytes that have a place until the last of them is dropped.
pub(crate) fn held(bytes: impl AsRef<[u8]> + Send + 'static, place: Place) -> Bytes {
    Bytes::from_owner(Holding(bytes, place))
}

impl Receiver<'_> {
    /// Bytes that have come.
    pub(crate) fn size(&self) -> u64 {
        match &self.gathered {
            Gathered::Memory(chunks) => chunks.size as u64,
            Gathered::Disk(spool) => spool.size(),
        }
    }

    /// Takes in the next bytes.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<(), Problem> {
        let chunks = match &mut self.gathered {
            Gathered::Disk(spool) => return spool.append(bytes).await,
            Gathered::Memory(chunks) => chunks,
        };
        if !self.is_large && chunks.take(&bytes, (&self.intake.room, self.own)) {
            return Ok(());
        }
        let mut spool = self.intake.content.spool().await?;
        for bytes in std::mem::take(chunks).into_pieces() {
            spool.append(bytes).await?;
        }
        spool.append(bytes).await?;
        self.gathered = Gathered::Disk(spool);
        Ok(())
    }

    /// The end: all of it has come.
    pub(crate) async fn finish(self) -> Result<Received, Problem> {
        Ok(match self.gathered {
            Gathered::Memory(chunks) => Received::Held(chunks.joined(), None),
            Gathered::Disk(mut spool) => {
                let digest = spool.digest().await?; // all is written
                // There may be room by now for what found none while it came.
                let size = usize::try_from(spool.size()).unwrap_or(usize::MAX);
                let (room, mut place) = (&self.intake.room, None);
                if size <= HELD_BYTES && room.grow(&mut place, size, Some(self.own)) {
                    let bytes = spool.read().await?;
                    let bytes = match place {
                        Some(place) => held(bytes, place),
                        None => bytes,
                    };
                    return Ok(Received::Held(bytes, Some(digest)));
                }
                Received::Spooled(spool)
            }
        })
    }
}

impl Chunks {
    /// Takes bytes in, if there is a place for them: of one upstream's own too, once it is not small.
    fn take(&mut self, mut bytes: &[u8], (room, own): (&Room, &Room)) -> bool {
        let needed = self.size + bytes.len();
        let has = self.place.as_ref().map_or(FREE_BYTES, Place::bytes);
        if needed > has {
            let wanted = needed.next_multiple_of(CHUNK_BYTES).min(HELD_BYTES);
            let own = (wanted > SMALL_DOCUMENT).then_some(own);
            if needed > wanted || !room.grow(&mut self.place, wanted, own) {
                return false;
            }
        }
        self.size = needed;
        while !bytes.is_empty() {
            let capacity = if self.full.is_empty() && self.last.len() < FREE_BYTES {
                FREE_BYTES // which grows as it is filled
            } else {
                self.last.capacity()
            };
            let (now, later) = bytes.split_at(bytes.len().min(capacity - self.last.len()));
            self.last.extend_from_slice(now);
            bytes = later;
            if !bytes.is_empty() {
                let next = Vec::with_capacity(CHUNK_BYTES);
                self.full.push(std::mem::replace(&mut self.last, next));
            }
        }
        true
    }

    /// The same in one piece.
    fn joined(mut self) -> Bytes {
        let all = if self.full.is_empty() {
            self.last
        } else {
            let mut all = Vec::with_capacity(self.size);
            for chunk in self.full.into_iter().chain([self.last]) {
                all.extend_from_slice(&chunk);
            }
            all
        };
        match self.place.take() {
            Some(mut place) => {
                place.shrink(all.len());
                held(all, place)
            }
            None => all.into(),
        }
    }

    /// The same for the disk: the place is free again once they are written.
    fn into_pieces(self) -> Vec<Bytes> {
        let mut pieces: Vec<Bytes> = self.full.into_iter().map(Bytes::from).collect();
        pieces.push(match self.place {
            Some(place) => held(self.last, place),
            None => self.last.into(),
        });
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

impl Received {
    /// Its bytes' number.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Held(bytes, _) => bytes.len() as u64,
            Self::Spooled(spool) => spool.size(),
        }
    }

    /// The SHA-256 of its bytes.
    pub(crate) async fn digest(&mut self) -> Result<Digest, Problem> {
        match self {
            Self::Held(bytes, known) => {
                Ok(*known.get_or_insert_with(|| Digest::of(Algorithm::Sha256, bytes)))
            }
            Self::Spooled(spool) => spool.digest().await,
        }
    }

    /// Has `read` look at all of its bytes, with a share of the budget for `factor` times as many. What
    /// is on the disk comes into memory once the share is there, and is gone again before it is given
    /// back. Large bytes are hashed beside that.
    pub(crate) async fn look<T: Send + 'static>(
        &mut self,
        (budget, factor): (&Budget, u64),
        read: impl FnOnce(&Bytes) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let share = budget.share(self.size().saturating_mul(factor)).await?;
        match self {
            Self::Held(bytes, known) => {
                if bytes.len() <= HASHED_HERE {
                    return Ok(read(bytes));
                }
                let to_read = bytes.clone();
                let reading = tokio::task::spawn_blocking(move || {
                    let outcome = read(&to_read);
                    drop((to_read, share));
                    outcome
                });
                if known.is_none() {
                    let to_hash = bytes.clone();
                    let hash = move || Digest::of(Algorithm::Sha256, &to_hash);
                    let hashing = tokio::task::spawn_blocking(hash);
                    *known = Some(hashing.await.map_err(Problem::internal)?);
                }
                reading.await.map_err(Problem::internal)
            }
            Self::Spooled(spool) => {
                let bytes = spool.read().await?;
                aside(share, bytes, read).await
            }
        }
    }

    /// All of its bytes, of which there are few: they need no share.
    pub(crate) async fn small(self) -> Result<Bytes, Problem> {
        match self {
            Self::Held(bytes, _) => Ok(bytes),
            Self::Spooled(mut spool) => spool.read().await,
        }
    }

    /// Makes it durable. Bytes whose digest is known are not hashed once more.
    pub(crate) async fn prepare(self, content: &ContentStore) -> Result<Prepared, Problem> {
        match self {
            Self::Held(bytes, Some(digest)) => content.prepare_hashed(digest, &bytes).await,
            Self::Held(bytes, None) => content.prepare(&bytes).await,
            Self::Spooled(spool) => spool.prepare().await,
        }
    }
}

/// Reads large bytes away from the connections; they are dropped before their share is. On a thread of
/// its own, for what reading took goes back to the system when that ends, and not before: until then
/// nobody else has the share. Nobody waits for that.
async fn aside<T: Send + 'static>(
    share: Share,
    bytes: Bytes,
    read: impl FnOnce(&Bytes) -> T + Send + 'static,
) -> Result<T, Problem> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        let outcome = read(&bytes);
        drop(bytes);
        drop(tell.send(outcome));
    };
    let thread = thread::Builder::new().name("large".to_owned());
    let thread = thread.spawn(work).map_err(Problem::internal)?;
    tokio::task::spawn_blocking(move || {
        // A crash of it is told by what it does not tell.
        drop(thread.join());
        drop(share);
    });
    told.await.map_err(Problem::internal)
}

#[cfg(test)]
pub(crate) mod tests;
