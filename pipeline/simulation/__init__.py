"""A SIMULATED sample of cats and dogs whose wrong labels are known; see docs/simulator.md."""

from pipeline.simulation.clips import SimulatedClip, simulate_clips
from pipeline.simulation.writer import SIMULATOR_VERSION, DemoSummary, write_demo

__all__ = ["SIMULATOR_VERSION", "DemoSummary", "SimulatedClip", "simulate_clips", "write_demo"]
