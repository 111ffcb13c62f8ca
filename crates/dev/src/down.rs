use crate::stack::Folder;

pub(crate) async fn down() -> anyhow::Result<()> {
    let folder = Folder::open()?;
    let _lock = folder.lock().await?;
    if !folder.stop_all().await? {
        eprintln!("nothing is running here");
    }
    Ok(())
}
