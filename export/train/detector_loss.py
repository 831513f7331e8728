"""What the detector learns from: which cells answer for a face, and how far they are off."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from export.families.face_detector import STRIDES

CANDIDATE_RADIUS = 2.0
"""Cells whose centre is at most so many strides from a face's centre may answer for it, and those in its middle."""
FACE_SIZES = {8: (0.0, 48.0), 16: (24.0, 112.0), 32: (64.0, float("inf"))}
"""Pixels, the root of a face's area, for which each stride may answer."""
N_ANSWERS = 8
BOX_WEIGHT, POINTS_WEIGHT = 2.0, 3.0
RIGHT_FROM = 0.5
"""Overlap from which on a box counts as wholly right."""
SURE_ENOUGH, SURER_WEIGHT = 12.0, 0.1
"""Logits of the score beyond ±`SURE_ENOUGH` cost: the larger they are, the more rounding moves them."""


@dataclass(frozen=True)
class Cells:
    """Centre and stride of every cell, in pixels, (cells,)."""

    x: torch.Tensor
    y: torch.Tensor
    stride: torch.Tensor


def flat(maps: list[torch.Tensor]) -> tuple[torch.Tensor, Cells]:
    """Return the outputs of all strides as (batch, cells, values), and the cells."""
    values, xs, ys, strides = [], [], [], []
    for stride, level in zip(STRIDES, maps, strict=True):
        height, width = level.shape[2:]
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        xs.append((x.flatten() + 0.5) * stride)
        ys.append((y.flatten() + 0.5) * stride)
        strides.append(torch.full((height * width,), float(stride)))
        values.append(level.flatten(2).permute(0, 2, 1))
    found = torch.cat(values, 1)
    return found, Cells(*(torch.cat(part).to(found.device) for part in (xs, ys, strides)))


def detector_loss(maps: list[torch.Tensor], faces: torch.Tensor) -> torch.Tensor:
    """Return the loss of a batch.

    `faces` is (batch, faces, 15): 1 for a face, 0 for nothing, -1 for one that is neither right nor wrong to find;
    centre, width and height; five points; all in pixels. Cells answer for a face by how well they do already
    (task-aligned assignment, Feng et al. 2021); the score learns that there is a face, weighted as in VarifocalNet
    (Zhang et al. 2021), with 1 in place of an overlap of `RIGHT_FROM` or more, since small faces overlap less.
    """
    values, cells = flat(maps)
    faces = faces.to(values.device)
    boxes = _boxes(values, cells)
    is_face = faces[:, :, 0] > 0
    with torch.no_grad():
        overlap = _overlap(faces[:, :, None, 1:5], boxes[:, None])
        fit = torch.sigmoid(values[:, None, :, 0]).sqrt() * overlap**4 + 1e-9
        fit = torch.where(_candidates(faces, cells) & is_face[:, :, None], fit, 0.0)
        least = fit.topk(min(N_ANSWERS, fit.shape[2]), dim=2).values[:, :, -1:]
        fit = torch.where(fit >= torch.clamp(least, min=1e-12), fit, 0.0)
        fit = torch.where(overlap_wins(fit, overlap), fit, 0.0)
        best = fit.amax(2, keepdim=True).clamp(min=1e-12)
        right = ((fit > 0).mul(overlap).amax(2, keepdim=True) / RIGHT_FROM).clamp(max=1)
        target, answers_for = (fit / best * right).max(1)
        ignored = (_within(faces, cells) & (faces[:, :, 0] < 0)[:, :, None]).any(1) & (target == 0)
    score = values[:, :, 0]
    weight = torch.where(target > 0, target.clamp(min=0.1), 0.75 * torch.sigmoid(score.detach()) ** 2)
    weight = torch.where(ignored, 0.0, weight)
    total = target.sum().clamp(min=1.0)
    loss = (weight * functional.binary_cross_entropy_with_logits(score, target, reduction="none")).sum() / total
    loss = loss + SURER_WEIGHT * functional.relu(score.abs() - SURE_ENOUGH).square().mean()
    batch, cell = torch.nonzero(target > 0, as_tuple=True)
    truth = faces[batch, answers_for[batch, cell]]
    share = target[batch, cell].clamp(min=0.1)
    loss = loss + BOX_WEIGHT * (share * (1 - _complete_overlap(truth[:, 1:5], boxes[batch, cell]))).sum() / total
    places = torch.stack([cells.x, cells.y], 1)[cell].repeat(1, 5) + values[batch, cell, 5:] * cells.stride[cell, None]
    size = (truth[:, 3] * truth[:, 4]).clamp(min=16.0).sqrt()[:, None]
    off = functional.smooth_l1_loss(places / size, truth[:, 5:] / size, reduction="none", beta=0.05).mean(1)
    return loss + POINTS_WEIGHT * (share * off).sum() / total


def overlap_wins(fit: torch.Tensor, overlap: torch.Tensor) -> torch.Tensor:
    """Return which face (batch, faces, cells) keeps a cell that several chose: the one it overlaps most."""
    chosen = torch.where(fit > 0, overlap, -1.0)
    return functional.one_hot(chosen.argmax(1), fit.shape[1]).permute(0, 2, 1).bool()


def _boxes(values: torch.Tensor, cells: Cells) -> torch.Tensor:
    """Return centre, width and height, (batch, cells, 4), in pixels."""
    place = torch.stack([cells.x, cells.y], 1) + values[:, :, 1:3] * cells.stride[:, None]
    return torch.cat([place, values[:, :, 3:5].clamp(-4, 5).exp() * cells.stride[:, None]], 2)


def _candidates(faces: torch.Tensor, cells: Cells) -> torch.Tensor:
    x, y, width, height = (faces[:, :, i, None] for i in range(1, 5))
    size = (width * height).clamp(min=1.0).sqrt()
    off_x, off_y = (cells.x - x).abs(), (cells.y - y).abs()
    near = (off_x < CANDIDATE_RADIUS * cells.stride) & (off_y < CANDIDATE_RADIUS * cells.stride)
    inside = (off_x < width / 2) & (off_y < height / 2)
    closest = (off_x < cells.stride / 2) & (off_y < cells.stride / 2)  # a face smaller than a cell
    least = torch.tensor([FACE_SIZES[s][0] for s in STRIDES]).repeat_interleave(_counts(cells)).to(x.device)
    most = torch.tensor([FACE_SIZES[s][1] for s in STRIDES]).repeat_interleave(_counts(cells)).to(x.device)
    return ((near & inside) | closest) & (size >= least) & (size <= most)


def _counts(cells: Cells) -> torch.Tensor:
    return torch.tensor([int((cells.stride == s).sum()) for s in STRIDES])


def _within(faces: torch.Tensor, cells: Cells) -> torch.Tensor:
    x, y, width, height = (faces[:, :, i, None] for i in range(1, 5))
    return ((cells.x - x).abs() < width / 2 + cells.stride / 2) & ((cells.y - y).abs() < height / 2 + cells.stride / 2)


def _overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return intersection over union of boxes (..., 4): centre, width, height."""
    low = torch.maximum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = torch.minimum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared + 1e-6)


def _complete_overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the complete IoU (Zheng et al. 2020): also distance and proportion count."""
    iou = _overlap(a, b)
    low = torch.minimum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = torch.maximum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    distance = (a[..., :2] - b[..., :2]).square().sum(-1) / ((high - low).square().sum(-1) + 1e-6)
    proportion = 4 / torch.pi**2 * (torch.atan(a[..., 2] / a[..., 3]) - torch.atan(b[..., 2] / b[..., 3])) ** 2
    with torch.no_grad():
        weight = proportion / (1 - iou + proportion + 1e-6)
    return iou - distance - weight * proportion
