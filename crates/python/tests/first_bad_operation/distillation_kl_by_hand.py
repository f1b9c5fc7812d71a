"""Distillation with the KL divergence written out; some teacher rows are one-hot."""
import torch
import torch.nn as nn

torch.manual_seed(13)
torch.set_num_threads(1)

student = nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 5))
teacher = nn.Linear(8, 5)
for p in teacher.parameters():
    p.requires_grad_(False)

inputs = torch.randn(500, 8)
with torch.no_grad():
    teacher_probs = torch.softmax(teacher(inputs), dim=-1)
# A few rows carry a human label instead of the teacher's opinion.
teacher_probs[470] = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0])
teacher_probs[481] = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])


def kl(p, q):
    return (p * (p / q).log()).sum(-1).mean()  # BAD op=log phase=forward step=47


optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
for step in range(50):
    rows = torch.arange(step * 10, step * 10 + 10)
    q = torch.softmax(student(inputs[rows]), dim=-1)
    loss = kl(teacher_probs[rows], q)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 8 == 0:
        print(f"step={step} kl={float(loss):.4f}")
print("final", float(loss))
