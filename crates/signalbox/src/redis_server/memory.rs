//! How much memory there is, so that Redis can be given half of it.

use std::fs;

use tokio::process::Command;

/// What Redis gets on a machine that does not tell.
const UNKNOWN: u64 = 1 << 30;

/// Half of the memory of this machine or container, in bytes.
pub(super) async fn half() -> u64 {
    let machine = match fs::read_to_string("/proc/meminfo") {
        Ok(text) => in_meminfo(&text),
        Err(_) => in_sysctl().await,
    };
    // A container's limit is what kills, whatever the machine has.
    let container = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .into_iter()
    .find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    let known = machine.into_iter().chain(container).min();
    known.map_or(UNKNOWN, |bytes| bytes / 2)
}

fn in_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

async fn in_sysctl() -> Option<u64> {
    let output = Command::new("sysctl").args(["-n", "hw.memsize"]).output();
    let output = output.await.ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::in_meminfo;

    #[test]
    fn the_machines_memory_is_read_in_kibibytes() {
        let text = "MemTotal:       24684092 kB\nMemFree:  1 kB\n";
        assert_eq!(in_meminfo(text), Some(24_684_092 * 1024));
        assert_eq!(in_meminfo("nothing"), None);
    }
}
