//! A file system of the tests' own whose power can be cut: what was not synced by then is kept or
//! lost by chance (`disk`).

pub use crate::disk::Cut;

use crate::disk::{Content, Disk, Failure, Inode, Kind, Names, Node};
use crate::random::Random;
use crate::tools::skip;
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The kernel asks each time: it must not remember what a cut undoes.
const NOT_REMEMBERED: Duration = Duration::ZERO;
/// The size of blocks, and the number of all and of free ones, that the file system tells of.
const BLOCK: u32 = 4096;
const BLOCKS: u64 = 1 << 28;

/// Such a file system, mounted as long as this lives.
pub struct Lossy {
    shared: Arc<Mutex<Shared>>,
    session: Option<BackgroundSession>,
    place: TempDir,
}

/// What the file system and the test share.
#[derive(Default)]
struct Shared {
    disk: Disk,
    /// Changes since it was mounted.
    changes: u64,
    /// The change at which the power is cut.
    cut_at: Option<u64>,
    /// Who uses it, and dies with it.
    user: Option<Pid>,
    is_cut: bool,
}

impl Shared {
    /// Nothing is changed once the power is gone.
    fn change<T>(&mut self, act: impl FnOnce(&mut Disk) -> Result<T, Failure>) -> Result<T, Errno> {
        self.changes += 1;
        if self.cut_at == Some(self.changes) {
            self.is_cut = true;
            if let Some(user) = self.user {
                kill_process(user, Signal::KILL).expect("kill");
            }
        }
        if self.is_cut {
            return Err(Errno::EIO);
        }
        act(&mut self.disk).map_err(errno)
    }
}

impl Lossy {
    /// Mounts one. `None`: this machine has no FUSE, and the test is to return.
    #[track_caller]
    pub fn mount() -> Option<Self> {
        let mut lossy = Self {
            shared: Arc::default(),
            session: None,
            place: tempfile::tempdir().expect("temporary folder"),
        };
        match lossy.attach() {
            Ok(session) => lossy.session = Some(session),
            Err(error) => {
                skip(&format!("no file system can be mounted: {error}"));
                return None;
            }
        }
        Some(lossy)
    }

    fn attach(&self) -> std::io::Result<BackgroundSession> {
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("lossy".to_owned()),
            MountOption::DefaultPermissions,
        ];
        let adapter = Adapter(Arc::clone(&self.shared));
        fuser::spawn_mount(adapter, self.place.path(), &config)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is mounted.
    pub fn folder(&self) -> &Path {
        self.place.path()
    }

    /// Cuts the power at so many more changes, from 1; who uses it, dies.
    pub fn cut_after(&self, changes: u64, user: u32) {
        let mut shared = self.shared();
        let user = i32::try_from(user).ok().and_then(Pid::from_raw);
        shared.user = Some(user.expect("pid"));
        shared.cut_at = Some(shared.changes + changes);
    }

    /// After its users are dead: the power is gone, and is back.
    pub fn cut(&mut self, random: &mut Random) -> Cut {
        let session = self.session.take().expect("mounted");
        session.umount_and_join().expect("unmount");
        let cut = {
            let mut shared = self.shared();
            let cut = shared.disk.cut(random);
            let disk = std::mem::take(&mut shared.disk);
            *shared = Shared {
                disk,
                ..Shared::default()
            };
            cut
        };
        self.session = Some(self.attach().expect("mounted once more"));
        cut
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        // Before its folder is removed.
        drop(self.session.take().map(BackgroundSession::umount_and_join));
    }
}

/// What the kernel asks.
struct Adapter(Arc<Mutex<Shared>>);

fn errno(failure: Failure) -> Errno {
    match failure {
        Failure::Missing => Errno::ENOENT,
        Failure::Exists => Errno::EEXIST,
        Failure::NotFolder => Errno::ENOTDIR,
        Failure::Folder => Errno::EISDIR,
        Failure::NotEmpty => Errno::ENOTEMPTY,
        Failure::OtherFolder => Errno::EXDEV,
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset in memory")
}

fn attributes(inode: Inode, node: &Node) -> FileAttr {
    let size = node.size() as u64;
    let kind = match node.kind {
        Kind::File(_) => FileType::RegularFile,
        Kind::Folder(_) => FileType::Directory,
    };
    FileAttr {
        ino: INodeNo(inode),
        size,
        blocks: size.div_ceil(512),
        atime: node.modified,
        mtime: node.modified,
        ctime: node.modified,
        crtime: node.modified,
        kind,
        perm: node.mode,
        nlink: node.names,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

impl Adapter {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attributes(&self, inode: Inode) -> Result<FileAttr, Errno> {
        let shared = self.shared();
        let node = shared.disk.node(inode).map_err(errno)?;
        Ok(attributes(inode, node))
    }

    fn make(
        &self,
        folder: INodeNo,
        name: &OsStr,
        kind: Kind,
        mode: u32,
    ) -> Result<FileAttr, Errno> {
        let mode = u16::try_from(mode & 0o7777).expect("twelve bits");
        let inode = self
            .shared()
            .change(|disk| disk.make(folder.0, name, kind, mode));
        self.attributes(inode?)
    }
}

fn reply_empty(result: Result<(), Errno>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn reply_entry(result: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match result {
        Ok(attributes) => reply.entry(&NOT_REMEMBERED, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn reply_attributes(result: Result<FileAttr, Errno>, reply: ReplyAttr) {
    match result {
        Ok(attributes) => reply.attr(&NOT_REMEMBERED, &attributes),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Adapter {
    fn lookup(&self, _: &Request, folder: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.shared().disk.look_up(folder.0, name).map_err(errno);
        reply_entry(found.and_then(|inode| self.attributes(inode)), reply);
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply_attributes(self.attributes(inode.0), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _changed: Option<SystemTime>,
        _: Option<FileHandle>,
        _made: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let act = |disk: &mut Disk| {
            if let Some(size) = size {
                disk.set_length(inode.0, index(size))?;
            }
            let node = disk.node_mut(inode.0)?;
            if let Some(mode) = mode {
                node.mode = u16::try_from(mode & 0o7777).expect("twelve bits");
            }
            match modified {
                Some(TimeOrNow::SpecificTime(time)) => node.modified = time,
                Some(TimeOrNow::Now) => node.modified = SystemTime::now(),
                None => {}
            }
            Ok(())
        };
        let done = self.shared().change(act);
        reply_attributes(done.and_then(|()| self.attributes(inode.0)), reply);
    }

    fn mkdir(
        &self,
        _: &Request,
        folder: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let kind = Kind::Folder(Names::default());
        reply_entry(self.make(folder, name, kind, mode & !umask), reply);
    }

    fn create(
        &self,
        _: &Request,
        folder: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let kind = Kind::File(Content::default());
        match self.make(folder, name, kind, mode & !umask) {
            Ok(attributes) => reply.created(
                &NOT_REMEMBERED,
                &attributes,
                Generation(0),
                FileHandle(0),
                FopenFlags::empty(),
            ),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, folder: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let act = |disk: &mut Disk| disk.remove(folder.0, name);
        reply_empty(self.shared().change(act), reply);
    }

    fn rmdir(&self, _: &Request, folder: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let act = |disk: &mut Disk| disk.remove(folder.0, name);
        reply_empty(self.shared().change(act), reply);
    }

    fn rename(
        &self,
        _: &Request,
        folder: INodeNo,
        name: &OsStr,
        new_folder: INodeNo,
        new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let act = |disk: &mut Disk| disk.rename((folder.0, name), (new_folder.0, new_name));
        reply_empty(self.shared().change(act), reply);
    }

    fn link(&self, _: &Request, inode: INodeNo, folder: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let act = |disk: &mut Disk| disk.link(inode.0, folder.0, name);
        let linked = self.shared().change(act);
        reply_entry(linked.and_then(|()| self.attributes(inode.0)), reply);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let shared = self.shared();
        match shared.disk.read(inode.0, index(offset), index(size.into())) {
            Ok(bytes) => reply.data(bytes),
            Err(failure) => reply.error(errno(failure)),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let act = |disk: &mut Disk| disk.write(inode.0, index(offset), bytes);
        match self.shared().change(act) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).expect("one write")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply_empty(self.shared().change(|disk| disk.sync(inode.0)), reply);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply_empty(self.shared().change(|disk| disk.sync(inode.0)), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let shared = self.shared();
        let names = match shared.disk.list(inode.0) {
            Ok(names) => names,
            Err(failure) => return reply.error(errno(failure)),
        };
        for (at, (name, &child)) in names.iter().enumerate().skip(index(offset)) {
            let kind = match shared.disk.list(child) {
                Ok(_) => FileType::Directory,
                Err(_) => FileType::RegularFile,
            };
            if reply.add(INodeNo(child), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCK, 255, BLOCK);
    }
}
