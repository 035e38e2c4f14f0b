"""Training super-resolution from a pretrained Wan 2.1: all of its weights, or low-rank additions to them (LoRA).

Nothing but the transformer is in memory: latents and text embeddings are precomputed, and all other parts stay as they
are in Wan's folder. It is made in `configure_model`, where Lightning has set up the processes, in this order: widened
(`cvsr.models.wan_transformer`), adapted, its blocks recomputed in the backward pass, compiled, sharded:

    DDP      every process has all weights and its part of the batch
    FSDP2    every process has its part of the weights, too, and gathers a block's while it works on it
             (`fully_shard`; Zhao et al. 2023, "PyTorch FSDP")

Both follow the gradients that one process would on the whole batch (`cvsr.training.processes`).
"""

from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.models.wan_transformer import WanVideoTransformer
from cvsr.pipelines.wan import WanSuperResolutionPipeline, load_wan
from cvsr.systems.wan import NOISE, to_super_resolution
from cvsr.training.flow_matching import Batch, SuperResolutionTraining

LORA_TARGETS = r"blocks\.\d+\.(attn[12]\.(to_q|to_k|to_v|to_out\.0)|ffn\.net\.(0\.proj|2))"


class WanSuperResolutionTraining(SuperResolutionTraining):
    """Minimises the squared error of the velocity; batches have "text" and "text_mask" (`cvsr.data.shards_reading`).

    Args:
        folder: of Wan 2.1 in diffusers' format.
        lora_rank: rank of the additions, trained with the patch embedding, which has to learn to read the input; None:
            all weights are trained.
        gradient_checkpointing: keep a block's input only, and compute the block again in the backward pass.
        compiled: compile the blocks: slow to begin with, for long runs.
        learning_rate: SimpleGVR's (section 5.1.4) for all weights; the recipe gives LoRA ten times as much.
        text_dropout: how often a caption is left out, section 5.1.4.
        noise_range: levels of the noise in the input's latents.
        clean: how often there is none.
        t_floor: smallest time that the loss divides by.
        others: as for `SuperResolutionTraining`.
    """

    def __init__(
        self,
        folder: str,
        lora_rank: int | None = 64,
        gradient_checkpointing: bool = True,
        compiled: bool = False,
        learning_rate: float = 5e-5,
        text_dropout: float = 0.1,
        noise_range: NoiseRange = NOISE,
        clean: float = 0.0,
        t_floor: float = 1e-3,
        **others: Any,
    ):
        super().__init__(
            system="base",
            text_from=None,
            attention=None,
            preset="full",
            weights=None,
            learning_rate=learning_rate,
            text_dropout=text_dropout,
            noise_range=noise_range,
            clean=clean,
            t_floor=t_floor,
            **others,
        )
        self.folder, self.lora_rank = folder, lora_rank
        self.gradient_checkpointing, self.compiled = gradient_checkpointing, compiled
        self.transformer: WanVideoTransformer | None = None

    def add_parts(self, preset: str) -> None:
        """None yet; `configure_model` makes the only one. All channels of Wan's latents count alike."""
        self.register_buffer("channel_weights", torch.ones(1, 1, 1, 1, 1), persistent=False)

    def configure_model(self) -> None:
        if self.transformer is not None:
            return
        torch.manual_seed(self.hparams.seed)  # of what LoRA begins with, the same in every process
        self.transformer = to_super_resolution(load_wan(self.folder)).transformer.train()
        self.adapt(self.transformer)
        if self.gradient_checkpointing:
            self.transformer.enable_gradient_checkpointing()
        if self.compiled:
            self.transformer.compile_repeated_blocks()
        if self.device_mesh is not None:  # Lightning's ModelParallelStrategy
            mesh = self.device_mesh["data_parallel"]
            for block in self.transformer.blocks:
                fully_shard(block, mesh=mesh)
            fully_shard(self.transformer, mesh=mesh)

    def adapt(self, transformer: WanVideoTransformer) -> None:
        """Add what is trained and freeze the rest, or leave all as it is."""
        if self.lora_rank is None:
            return
        transformer.requires_grad_(False)
        lora = LoraConfig(r=self.lora_rank, lora_alpha=self.lora_rank, target_modules=LORA_TARGETS)
        transformer.add_adapter(lora)
        transformer.patch_embedding.requires_grad_(True)

    def text(self, group: Batch, kept: Tensor) -> tuple[Tensor, Tensor]:
        return group["text"], group["text_mask"] & kept[:, None].to(group["text_mask"].device)

    def position_weights(self, batch: Batch) -> Tensor:
        return torch.ones_like(batch["low"][:, :1])

    @property
    def pipeline(self) -> WanSuperResolutionPipeline:
        """With the other parts of Wan's folder, for samples."""
        parts = vars(load_wan(self.folder)) | {"transformer": self.transformer}
        return WanSuperResolutionPipeline(**parts).to(self.device)

    def finished(self) -> WanVideoTransformer:
        """The transformer alone, whole and with LoRA in its weights; all processes have to ask for it at once.

        What `Export` saves: the other parts stay in Wan's folder, see `cvsr.pipelines.wan.load_wan_cascade`.
        """
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        weights = get_model_state_dict(self.transformer, options=options)
        if not weights:  # only the first process is given them
            return self.transformer
        whole = WanVideoTransformer.from_config(self.transformer.config)
        self.adapt(whole)
        whole.load_state_dict(weights)
        if self.lora_rank is not None:
            whole.fuse_lora()
            whole.unload_lora()
        return whole
