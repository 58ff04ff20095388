"""Log a network that Lightning trains: `Trainer(callbacks=[LightningTracker("runs/a")])`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.engine.event_files import MissingExtraError
from cnnviz_desktop.engine.tracking import Tracker, track

if TYPE_CHECKING:
    from torch import Tensor

    class Callback:
        """Lightning's own, under either of its names."""

else:
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        try:
            from pytorch_lightning.callbacks import Callback
        except ImportError as error:
            raise MissingExtraError(
                "Lightning is not installed: pip install lightning, or use track() in a loop."
            ) from error


class LightningTracker(Callback):
    """Call `track` for a module while a trainer fits it; the parameters are those of `track`."""

    def __init__(
        self,
        log_dir: Path | str = "runs/cnnviz",
        every: int = 50,
        images: Tensor | None = None,
        *,
        graph: bool = True,
        most: float | None = 0.03,
    ) -> None:
        super().__init__()
        self._said: dict[str, Any] = {"graph": graph, "most": most}
        self._log_dir, self._every, self._images = log_dir, every, images
        self.tracker: Tracker | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to log, in one process of several."""
        if getattr(trainer, "is_global_zero", True):
            self.tracker = track(pl_module, self._log_dir, self._every, self._images, **self._said)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the loss, and the scores where the step gives “outputs” and “targets” too."""
        if self.tracker is None:
            return
        given = outputs if isinstance(outputs, dict) else {"loss": outputs}
        self.tracker.step(
            loss=given.get("loss"), outputs=given.get("outputs"), targets=given.get("targets")
        )

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the metrics that the module logged itself, such as “val_loss”."""
        if self.tracker is not None and not getattr(trainer, "sanity_checking", False):
            metrics = {str(name): float(value) for name, value in trainer.callback_metrics.items()}
            self.tracker.scalars(metrics)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Have all on disk."""
        if self.tracker is not None:
            self.tracker.close()
            self.tracker = None

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Have on disk what there is."""
        self.on_fit_end(trainer, pl_module)
